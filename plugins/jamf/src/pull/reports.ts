import { createHash } from 'node:crypto';
import { type AdminPort, D3Error, type DepotEdition, type Json } from '@d3/sdk';
import { attributesOf, type JamfComputer } from '../connector/computers.ts';
import type { Link } from './links.ts';
import type { Pulled } from './result.ts';

/** Ids of the extension attributes that hold what `d3 ea …` printed; null: there is none. */
export interface AttributeIds {
  report: string | null;
  receipts: string | null;
  queue: string | null;
}

const LONGEST = 4 * 1024 * 1024;
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type Fields = Record<string, unknown>;

/** Takes what machines left in extension attributes for their reports. What is no good is put aside, and stops nothing. */
export class Reports {
  readonly #admin: AdminPort;
  readonly #dryRun: boolean;
  readonly #hashes = new Map<string, string>();
  #editions: Map<string, DepotEdition> | null = null;
  readonly outcome: Pulled['reports'] = { taken: 0, known: 0, aside: [] };

  constructor(admin: AdminPort, dryRun: boolean) {
    this.#admin = admin;
    this.#dryRun = dryRun;
  }

  /** Of what was taken of a computer in this pull. */
  hashOf(jamf: string): string | null {
    return this.#hashes.get(jamf) ?? null;
  }

  /** @returns whether a report was taken that was not known */
  async take(computer: JamfComputer, ids: AttributeIds, link: Link | null): Promise<boolean> {
    const values = [ids.report, ids.receipts, ids.queue].map((id) => valueOf(computer, id));
    if (values.every((value) => value === '')) return false;
    const hash = createHash('sha256').update(JSON.stringify(values)).digest('hex').slice(0, 32);
    if (link?.seen['report'] === hash) return false;
    const name = computer.general?.name ?? `computer ${computer.id}`;
    const [report = '', receipts = '', queue = ''] = values;
    try {
      const text = report !== '' ? this.#whole(report, computer) : await this.#made(receipts, queue, computer);
      this.#hashes.set(computer.id, hash);
      if (this.#dryRun) return false;
      const { taken, known, rejected } = await this.#admin.takeReports(text);
      this.outcome.taken += taken;
      this.outcome.known += known;
      for (const { why } of rejected) this.#aside(name, why);
      return taken > 0;
    } catch (error) {
      if (!(error instanceof Unfit)) {
        if (error instanceof D3Error && error.code === 'ON_ITS_HOST') throw error;
        if (!(error instanceof D3Error)) throw error;
        this.#aside(name, error.message);
        return false;
      }
      // The same value again is no news.
      this.#hashes.set(computer.id, hash);
      this.#aside(name, error.message);
      return false;
    }
  }

  #aside(computer: string, why: string): void {
    this.outcome.aside.push({ computer, why });
  }

  /** A report as the machine made it; it must be this machine's. */
  #whole(text: string, computer: JamfComputer): string {
    const report = objectIn(text, 'the report');
    const said = (report['computer'] ?? {}) as { claims?: { serial?: unknown; hardwareUuid?: unknown } };
    const fits =
      sameText(said.claims?.serial, computer.hardware?.serialNumber) ||
      sameText(said.claims?.hardwareUuid, computer.udid);
    if (!fits)
      throw new Unfit('the report in it is of another machine: neither serial number nor hardware UUID are the same');
    return JSON.stringify(report);
  }

  /** A report made of what is installed, what waits, and what the inventory knows. */
  async #made(receiptsText: string, queueText: string, computer: JamfComputer): Promise<string> {
    const receipts = receiptsText === '' ? null : objectIn(receiptsText, 'the receipts');
    const queue = queueText === '' ? null : objectIn(queueText, 'the queue');
    refuseNewer(receipts, 'ea-receipts');
    refuseNewer(queue, 'ea-queue');
    const id = receipts?.['_computer'] ?? queue?.['_computer'];
    if (typeof id !== 'string' || !ID.test(id))
      throw new Unfit('it does not say which machine of d3 it is of: it was made by an older d3, or by the ancestor');
    if (queue !== null && receipts !== null && queue['_computer'] !== receipts['_computer'])
      throw new Unfit('its receipts and its queue are of different machines');
    const { editions, lost } = await this.#known();
    const name = computer.general?.name ?? id;
    const at = computer.general?.reportDate ?? '';
    if (Number.isNaN(Date.parse(at))) throw new Unfit('its inventory has no date');
    const known = <Made>(from: Fields | null, make: (edition: DepotEdition, one: Fields) => Made): Made[] =>
      entriesOf(from).flatMap(([basename, one]) => {
        const edition = editions.get(`${basename}\n${String(one['version'])}\n${String(one['revision'])}`);
        if (edition === undefined) {
          lost.add(basename);
          return [];
        }
        return [make(edition, one)];
      });
    const identity = ({ basename, version, revision, edition, id: number }: DepotEdition) => ({
      basename,
      version,
      revision,
      edition,
      id: number,
    });
    const report = {
      schema: 'd3/report@1',
      run: `jamf-${computer.id}-${createHash('sha256').update(`${at}\n${receiptsText}\n${queueText}`).digest('hex').slice(0, 16)}`,
      at: new Date(at).toISOString(),
      computer: {
        id,
        name,
        claims: {
          serial: computer.hardware?.serialNumber ?? null,
          hardwareUuid: computer.udid ?? null,
          macs: [computer.hardware?.macAddress, computer.hardware?.altMacAddress].filter(
            (mac) => typeof mac === 'string' && mac !== '',
          ),
        },
        user: computer.userAndLocation?.username || null,
      },
      os: { name: 'macOS', version: computer.operatingSystem?.version || '0' },
      cpu: cpuOf(computer),
      d3: 'ea',
      command: 'ea',
      exit: 0,
      outcomes: [],
      receipts: known(receipts, (edition, one) => ({
        ...identity(edition),
        piloting: one['status'] === 'pilot',
        frozen: one['frozen'] === true,
        admin: textIn(one['admin']),
        installedAt: timeIn(one['installed_at'], at),
        manual: one['manual'] === true,
      })),
      queue: known(queue, (edition, one) => ({
        ...identity(edition),
        piloting: one['status'] === 'pilot',
        admin: textIn(one['admin']),
        customExpiration: Number.isSafeInteger(one['custom_expiration']) ? (one['custom_expiration'] as number) : null,
        queuedAt: timeIn(one['queued_at'], at),
      })),
    };
    for (const basename of lost) this.#aside(name, `the depot has no such edition of ${basename}: it was left out`);
    lost.clear();
    return JSON.stringify(report);
  }

  async #known(): Promise<{ editions: Map<string, DepotEdition>; lost: Set<string> }> {
    this.#editions ??= new Map(
      (await this.#admin.editions()).map((one) => [`${one.basename}\n${one.version}\n${one.revision}`, one]),
    );
    return { editions: this.#editions, lost: new Set() };
  }
}

/** Why a value is no report. */
class Unfit extends Error {}

function valueOf(computer: JamfComputer, id: string | null): string {
  if (id === null) return '';
  const found = attributesOf(computer).find(({ definitionId }) => definitionId === id);
  return (found?.values ?? []).join('\n').trim();
}

function objectIn(text: string, what: string): Fields {
  if (Buffer.byteLength(text) > LONGEST) throw new Unfit(`${what} in it is larger than any is`);
  if (text.startsWith('ERROR:')) throw new Unfit(`the machine could not tell: ${text.slice(0, 200)}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Unfit(`${what} in it is no JSON, or was cut`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Unfit(`${what} in it is no object`);
  return value as Fields;
}

function refuseNewer(value: Fields | null, kind: string): void {
  if (value === null) return;
  const schema = value['_schema'];
  if (schema === undefined) throw new Unfit('it was made by the ancestor, which does not say of which machine');
  if (schema !== `d3/${kind}@1`)
    throw new Unfit(`it is ${JSON.stringify(schema).slice(0, 60)}, which this d3 does not read`);
}

/** By basename, without what is said of the whole. */
function entriesOf(value: Fields | null): [string, Fields][] {
  return Object.entries(value ?? {}).filter(
    (entry): entry is [string, Fields] =>
      !entry[0].startsWith('_') && typeof entry[1] === 'object' && entry[1] !== null,
  );
}

function sameText(a: unknown, b: unknown): boolean {
  return (
    typeof a === 'string' &&
    typeof b === 'string' &&
    a.trim() !== '' &&
    a.trim().toUpperCase() === b.trim().toUpperCase()
  );
}

function textIn(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : 'unknown';
}

function timeIn(value: unknown, otherwise: string): string {
  const time = Date.parse(typeof value === 'string' ? value : otherwise);
  return new Date(Number.isNaN(time) ? Date.parse(otherwise) : time).toISOString();
}

function cpuOf({ hardware }: JamfComputer): string {
  const { processorArchitecture, processorType } = (hardware ?? {}) as Record<string, Json>;
  const said = [processorArchitecture, processorType].filter((one) => typeof one === 'string').join(' ');
  return /arm|apple/i.test(said) ? 'arm64' : /x86|intel/i.test(said) ? 'x86_64' : 'unknown';
}

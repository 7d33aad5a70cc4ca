import { createHash } from 'node:crypto';
import { type AdminPort, D3Error, type DepotEdition, type Json } from '@d3/sdk';
import { attributesOf, type JamfComputer } from '../connector/computers.ts';
import { claimIn, claimsIn, fits, type Known } from './known.ts';
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
  readonly #known: Known;
  readonly #hashes = new Map<string, string>();
  #editions: Map<string, DepotEdition> | null = null;
  readonly outcome: Pulled['reports'] = { taken: 0, known: 0, aside: [] };

  constructor(admin: AdminPort, known: Known, dryRun: boolean) {
    this.#admin = admin;
    this.#known = known;
    this.#dryRun = dryRun;
  }

  /** Of what was taken of a computer in this pull. */
  hashOf(jamf: string): string | null {
    return this.#hashes.get(jamf) ?? null;
  }

  /** Takes what a computer left, unless it was taken before; whoever reported is known from then on. */
  async take(computer: JamfComputer, ids: AttributeIds, link: Link | null): Promise<void> {
    const values = [ids.report, ids.receipts, ids.queue].map((id) => valueOf(computer, id));
    if (values.every((value) => value === '')) return;
    const hash = createHash('sha256').update(JSON.stringify(values)).digest('hex').slice(0, 32);
    if (link?.seen['report'] === hash) return;
    const { name } = claimsIn(computer);
    const [report = '', receipts = '', queue = ''] = values;
    try {
      const made = report !== '' ? wholeIn(report, computer) : await this.#made(receipts, queue, computer);
      const { id, at, claims } = this.#checked(made, computer, link);
      const isOld = Date.parse(at) < Date.parse(this.#known.contactOf(id) ?? '');
      // It reported elsewhere since: what is older does not take the place of that.
      if (isOld) this.outcome.known += 1;
      else if (this.#dryRun) this.outcome.taken += 1;
      else {
        const { taken, known, rejected } = await this.#admin.takeReports(lineOf(made));
        this.outcome.taken += taken;
        this.outcome.known += known;
        for (const { why } of rejected) this.#aside(name, why);
        if (rejected.length > 0) return void this.#hashes.set(computer.id, hash);
      }
      this.#hashes.set(computer.id, hash);
      if (!isOld) this.#known.note(id, { serial: claims['serial'], udid: claims['hardwareUuid'] }, at);
    } catch (error) {
      if (error instanceof Unfit) {
        // The same value again is no news, unless somebody here can change what is made of it.
        if (error.isForGood) this.#hashes.set(computer.id, hash);
      } else if (!(error instanceof D3Error) || error.code === 'ON_ITS_HOST') throw error;
      this.#aside(name, error.message);
    }
  }

  #aside(computer: string, why: string): void {
    // Machines wrote some of it.
    this.outcome.aside.push({ computer, why: why.replaceAll(/\p{Cc}/gu, ' ').slice(0, 500) });
  }

  /** What a report says of its computer; it speaks for that of this record, and for no other that d3 knows. */
  #checked(report: Fields, computer: JamfComputer, link: Link | null): { id: string; at: string; claims: Fields } {
    const said = fieldsIn(report['computer']);
    const claims = fieldsIn(said['claims']);
    const jamf = claimsIn(computer);
    if (!fits(jamf, { serial: claimIn(claims['serial']), udid: claimIn(claims['hardwareUuid']) }))
      throw new Unfit('the report in it is of another machine: neither serial number nor hardware UUID are the same');
    const id = said['id'];
    const at = report['at'];
    if (typeof id !== 'string' || !ID.test(id) || typeof at !== 'string' || Number.isNaN(Date.parse(at)))
      throw new Unfit('it does not say of which machine of d3 it is, and of when');
    const here = this.#known.claimsOf(id);
    if (here !== null && !fits(here, jamf))
      throw new Unfit(`it speaks for the computer ${id}, which is another machine`, false);
    const linked = here === null ? this.#known.whoIs(jamf) : id;
    const other = typeof link?.target === 'string' && this.#known.claimsOf(link.target) !== null ? link.target : linked;
    if (other !== null && other !== id)
      throw new Unfit(
        `it speaks for the computer ${id}, but here this machine is ${[other].flat().join(', ')}; if its d3 was set up anew, forget the old one: d3admin computer delete ${[other].flat()[0]}`,
        false,
      );
    return { id, at, claims };
  }

  /** A report made of what is installed, what waits, and what the inventory knows. */
  async #made(receiptsText: string, queueText: string, computer: JamfComputer): Promise<Fields> {
    const receipts = receiptsText === '' ? null : objectIn(receiptsText, 'the receipts');
    const queue = queueText === '' ? null : objectIn(queueText, 'the queue');
    refuseNewer(receipts, 'ea-receipts');
    refuseNewer(queue, 'ea-queue');
    const id = receipts?.['_computer'] ?? queue?.['_computer'];
    if (typeof id !== 'string' || !ID.test(id))
      throw new Unfit('it does not say which machine of d3 it is of: it was made by an older d3, or by the ancestor');
    if (queue !== null && receipts !== null && queue['_computer'] !== receipts['_computer'])
      throw new Unfit('its receipts and its queue are of different machines');
    const editions = await this.#all();
    const lost = new Set<string>();
    const at = computer.general?.reportDate ?? '';
    if (Number.isNaN(Date.parse(at))) throw new Unfit('its inventory has no date');
    const known = <Made>(from: Fields | null, make: (edition: DepotEdition, one: Fields) => Made): Made[] =>
      entriesOf(from).flatMap(([basename, one]) => {
        const edition = editions.get(JSON.stringify([basename, one['version'], Number(one['revision'])]));
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
        name: claimsIn(computer).name,
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
    if (lost.size > 0) {
      const some = [...lost].slice(0, 10).map((basename) => basename.slice(0, 100));
      const more = lost.size > some.length ? ` and ${lost.size - some.length} more` : '';
      const which = some.join(', ');
      this.#aside(report.computer.name, `the depot has no such edition of ${which}${more}: it was left out`);
    }
    return report;
  }

  async #all(): Promise<Map<string, DepotEdition>> {
    this.#editions ??= new Map(
      (await this.#admin.editions()).map((one) => [JSON.stringify([one.basename, one.version, one.revision]), one]),
    );
    return this.#editions;
  }
}

/** Why a value is no report. */
class Unfit extends Error {
  /** Whether the same value will never be one. */
  readonly isForGood: boolean;

  constructor(message: string, isForGood = true) {
    super(message);
    this.isForGood = isForGood;
  }
}

/** A report as the machine made it. */
function wholeIn(text: string, computer: JamfComputer): Fields {
  const report = objectIn(text, 'the report');
  const schema = report['schema'];
  if (typeof schema === 'string' && /^d3\/report@\d+$/.test(schema) && schema !== 'd3/report@1')
    throw new Unfit(
      `${claimsIn(computer).name} has a newer d3, whose reports this one does not read: update d3 here`,
      false,
    );
  return report;
}

/** One line that holds one report: an element in a text of it would be taken for another. */
function lineOf(report: Fields): string {
  try {
    return JSON.stringify(report).replaceAll('<', String.raw`\u003c`);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Unfit('the report in it is nested too deep');
  }
}

function fieldsIn(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

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
  if (schema !== `d3/${kind}@1`) {
    const said = typeof schema === 'string' ? schema.slice(0, 60) : 'of another kind';
    throw new Unfit(`it is ${said}, which this d3 does not read`, false);
  }
}

/** By basename, without what is said of the whole. */
function entriesOf(value: Fields | null): [string, Fields][] {
  return Object.entries(value ?? {}).filter(
    (entry): entry is [string, Fields] =>
      !entry[0].startsWith('_') && typeof entry[1] === 'object' && entry[1] !== null,
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

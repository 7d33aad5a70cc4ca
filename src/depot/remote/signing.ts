import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';
import type { Metadata, Targets } from '@tufjs/models';
import { explained } from '../../catalog/asked-changes.ts';
import { type CatalogChange, catalogChanges } from '../../catalog/catalog-changes.ts';
import type { Catalog } from '../../catalog/types.ts';
import type { Clock } from '../../platform/clock.ts';
import { createDepotClient } from '../client.ts';
import type { Waiting } from '../drafts.ts';
import { makeFolder, writeFileDurably } from '../files.ts';
import { HttpTransport } from '../http-transport.ts';
import { type Keyring, readKeyring } from '../keys.ts';
import { LONG_DAYS } from '../publish.ts';
import { type SignedRoot, signedRoot } from '../roots.ts';
import { changedRoles, type DraftToSign, type HolderSigning, type KeysView, signDraft } from '../signing.ts';
import type { PublicationRecord } from '../store/contract.ts';
import { TrustFolder } from '../trust.ts';
import type { Api, RemoteOptions } from './api.ts';
import type { AskedHere } from './asked.ts';

/** Who signs for a served depot on a machine of their own. */
export interface Signer {
  /** Folders with their keys. */
  keys: readonly string[];
  /** `folder`: absolute, where it is kept what they trust; `firstRoot`: file with the root that is trusted at the first contact. */
  trust: { folder: string; firstRoot: string | null };
  clock: Clock;
}

/** What this machine trusts of the depot, whatever its server says. */
interface Trusted {
  root: SignedRoot;
  targetsVersion: number;
  catalog: Catalog;
}

const DAY = 86_400_000;
const AGREED = 'agreed.catalog.json';

/**
 * Signs for a served depot with keys that never leave this machine. The server is not trusted: what it wants signed is held
 * against the last catalog that was signed, and against what was asked for here.
 */
export class RemoteSigning implements HolderSigning {
  readonly #api: Api;
  readonly #signer: Signer | null;
  readonly #options: RemoteOptions;
  readonly #by: string;
  readonly #asked: AskedHere;
  readonly #own: ReadonlySet<string>;
  /** Drafts that were shown: these are signed when they are agreed to, and no others. */
  #shown: DraftToSign[] | null = null;
  #trusted: Promise<Trusted> | null = null;

  /**
   * @param by who signs
   * @param asked what is asked for here
   * @param own SHA-256 of the files that were sent from here; grows
   */
  constructor(api: Api, options: RemoteOptions, by: string, asked: AskedHere, own: ReadonlySet<string>) {
    this.#api = api;
    this.#options = options;
    this.#signer = options.signer ?? null;
    this.#by = by;
    this.#asked = asked;
    this.#own = own;
  }

  async keys(): Promise<KeysView> {
    const view = await this.#api.get<KeysView>('signing/keys');
    const ring = await this.#ring();
    const roles = view.roles.map(({ keys, ...role }) => ({
      ...role,
      keys: keys.map((key) => {
        const held = ring.get(key.id);
        if (held !== undefined) return { ...key, where: held.file, atHand: true };
        return { ...key, where: key.atHand ? this.#api.location : null, atHand: false };
      }),
    }));
    return { ...view, roles };
  }

  async waiting(): Promise<Waiting[]> {
    return (await this.#api.get<KeysView>('signing/keys')).waiting;
  }

  async waitsForMine(): Promise<boolean> {
    const ring = await this.#ring();
    if (ring.size === 0) return false;
    return (await this.waiting()).some(({ role, open }) => role === 'targets' && open.some((id) => ring.has(id)));
  }

  async draftedRoles(): ReturnType<HolderSigning['draftedRoles']> {
    const root = (await this.#drafts()).find(({ role }) => role === 'root');
    return root === undefined ? [] : changedRoles((await this.#trust()).root, await rootIn(root));
  }

  async draftedCatalog(): ReturnType<HolderSigning['draftedCatalog']> {
    const targets = (await this.#drafts()).find(({ role }) => role === 'targets');
    return targets === undefined ? null : { before: (await this.#trust()).catalog, after: catalogIn(targets) };
  }

  /**
   * Signs what waits for keys that are at hand.
   * @param agreed all that was shown; else only a catalog that differs by what was asked for here
   * @returns what machines are shown by it; null: nothing yet
   * @throws D3Error verificationFailed `DRAFT_WRONG`, `DRAFT_FOREIGN`
   */
  async sign(agreed: boolean): Promise<PublicationRecord | null> {
    const ring = await this.#ring();
    if (ring.size === 0) return null;
    const open = new Map((await this.waiting()).map((draft) => [draft.role, draft.open.filter((id) => ring.has(id))]));
    const drafts = agreed ? await this.#drafts() : [];
    if (!agreed && (open.get('targets') ?? []).length > 0) {
      this.#forget();
      const targets = (await this.#drafts()).find(({ role }) => role === 'targets');
      if (targets !== undefined && !(await this.#isOurs(targets))) return null;
      if (targets !== undefined) drafts.push(targets);
    }
    let published: PublicationRecord | null = null;
    for (const draft of drafts) {
      const mine = new Set(open.get(draft.role));
      const signatures = (await signDraft(draft, this.#who().keys)).filter(({ keyid }) => mine.has(keyid));
      if (signatures.length === 0) continue;
      type Taken = { taken: number; published: PublicationRecord | null };
      const sent = { json: { role: draft.role, signatures } };
      const taken = await this.#api.send<Taken>('POST', 'signing/signatures', sent);
      published = taken.published ?? published;
      // What one of several has signed is not foreign to them the next time.
      if (taken.published === null && draft.catalog !== null) await this.#keepAgreed(draft.catalog);
    }
    // The next publication is of what is asked from now on.
    this.#asked.done();
    this.#forget();
    return published;
  }

  /** @returns false: part of it was made by the depot, and has to be looked at. @throws D3Error verificationFailed */
  async #isOurs(draft: DraftToSign): Promise<boolean> {
    const after = catalogIn(draft);
    const { catalog } = await this.#trust();
    const agreed = await this.#agreed();
    const bases = agreed !== null && agreed.generation > catalog.generation ? [catalog, agreed] : [catalog];
    const found = bases.map((before) => explained(before, after, this.#asked.changes, this.#by, this.#own));
    const ours = found.find(({ foreign }) => foreign.length === 0);
    if (ours !== undefined) return ours.unseen.length === 0;
    throw foreignDraft(this.#api.location, (found.at(-1) as (typeof found)[number]).foreign);
  }

  async #drafts(): Promise<DraftToSign[]> {
    if (this.#shown === null) {
      type Sent = Omit<DraftToSign, 'catalog'> & { catalog: string | null };
      const { drafts } = await this.#api.get<{ drafts: Sent[] }>('signing/drafts');
      const trusted = await this.#trust();
      const given = drafts.map((draft) => ({
        ...draft,
        catalog: draft.catalog === null ? null : Buffer.from(draft.catalog, 'base64'),
      }));
      for (const draft of given) await refuseWrong(draft, trusted, this.#who().clock.now());
      this.#shown = given;
    }
    return this.#shown;
  }

  #forget(): void {
    this.#shown = null;
    this.#trusted = null;
  }

  #trust(): Promise<Trusted> {
    this.#trusted ??= this.#verified();
    return this.#trusted;
  }

  /** What is in force, verified as machines do, against what this machine trusted before. */
  async #verified(): Promise<Trusted> {
    const { trust, clock } = this.#who();
    const { url, ca, token, signal } = this.#options;
    const trustDir = join(this.#folder(), 'trust');
    await makeFolder(this.#folder(), 0o700);
    const credentials = token === null ? null : () => token(this.#by);
    const transport = new HttpTransport(url, { credentials, ca, signal });
    const client = createDepotClient({ transport, trustDir, firstRoot: trust.firstRoot, clock });
    const { catalog } = await client.refresh();
    const kept = await new TrustFolder(trustDir).load();
    if (kept === null) throw new D3Error('TRUST_NOT_KEPT', 'failed', `Nothing can be kept in ${trustDir}.`);
    const { Metadata: Parsed, MetadataKind } = await import('@tufjs/models');
    const read = async (name: string) => JSON.parse(await readFile(join(kept.dir, name), 'utf8'));
    const root = signedRoot(Parsed.fromJSON(MetadataKind.Root, await read('root.json')));
    return { root, targetsVersion: (await read('targets.json')).signed.version, catalog };
  }

  async #agreed(): Promise<Catalog | null> {
    const text = await readFile(join(this.#folder(), AGREED), 'utf8').catch(() => null);
    return text === null ? null : (JSON.parse(text) as Catalog);
  }

  async #keepAgreed(catalog: Buffer): Promise<void> {
    await makeFolder(this.#folder(), 0o700);
    await writeFileDurably(join(this.#folder(), AGREED), catalog, 0o600);
  }

  /** One for each depot. */
  #folder(): string {
    const name = createHash('sha256').update(this.#api.location).digest('hex').slice(0, 16);
    return join(this.#who().trust.folder, name);
  }

  #who(): Signer {
    if (this.#signer !== null) return this.#signer;
    throw new D3Error('NO_SIGNER', 'bug', 'Nobody signs here.');
  }

  #ring(): Promise<Keyring> {
    return readKeyring(this.#signer?.keys ?? []);
  }
}

async function rootIn({ metadata }: DraftToSign): Promise<SignedRoot> {
  const { Metadata: Parsed, MetadataKind } = await import('@tufjs/models');
  return signedRoot(Parsed.fromJSON(MetadataKind.Root, metadata as never));
}

function catalogIn({ catalog }: DraftToSign): Catalog {
  try {
    const read = JSON.parse((catalog ?? Buffer.alloc(0)).toString('utf8')) as Catalog;
    // Whatever else it is, it can be held against another one.
    catalogChanges(null, read);
    return read;
  } catch {
    throw wrongDraft('targets', 'it names no catalog that can be read');
  }
}

/** What is signed of each role. */
const FIELDS: Readonly<Record<DraftToSign['role'], readonly string[]>> = {
  root: ['_type', 'spec_version', 'version', 'expires', 'consistent_snapshot', 'keys', 'roles'],
  targets: ['_type', 'spec_version', 'version', 'expires', 'targets'],
};

/** Whether it follows on what is trusted, and says nothing but what such metadata says. @throws D3Error verificationFailed `DRAFT_WRONG` */
async function refuseWrong(draft: DraftToSign, trusted: Trusted, now: Date): Promise<void> {
  const { role, metadata, catalog } = draft;
  if (role !== 'root' && role !== 'targets') throw wrongDraft(role, 'nobody signs that by hand');
  const { Metadata: Parsed, MetadataKind } = await import('@tufjs/models');
  let parsed: SignedRoot['metadata'] | Metadata<Targets>;
  try {
    parsed =
      role === 'root'
        ? Parsed.fromJSON(MetadataKind.Root, metadata as never)
        : Parsed.fromJSON(MetadataKind.Targets, metadata as never);
  } catch (error) {
    throw wrongDraft(role, (error as Error).message);
  }
  const { version, expires } = parsed.signed;
  const left = Date.parse(expires) - now.getTime();
  if (!(left > 0) || left > (LONG_DAYS + 2) * DAY) throw wrongDraft(role, `it would be good until ${expires}`);
  if (Object.keys(metadata['signed'] as object).some((field) => !FIELDS[role].includes(field)))
    throw wrongDraft(role, 'it says more than such metadata does');
  if (role === 'root') {
    if (version === trusted.root.version + 1) return;
    throw wrongDraft(role, `version ${version} does not follow on ${trusted.root.version}, which is trusted`);
  }
  const { targets, delegations } = (parsed as Metadata<Targets>).signed;
  const [[name, target] = [], ...more] = Object.entries(targets);
  if (version <= trusted.targetsVersion)
    throw wrongDraft(role, `version ${version} is not after ${trusted.targetsVersion}, which is trusted`);
  if (delegations !== undefined || more.length > 0 || name !== 'catalog.json' || target === undefined)
    throw wrongDraft(role, 'it names more than a catalog');
  const hash = createHash('sha256').update(catalog ?? '');
  if (target.length !== catalog?.length || target.hashes['sha256'] !== hash.digest('hex'))
    throw wrongDraft(role, 'it names another catalog than was shown');
  catalogIn(draft);
}

function wrongDraft(role: string, why: string): D3Error {
  return new D3Error(
    'DRAFT_WRONG',
    'verificationFailed',
    `The ${role} metadata that the depot wants signed is not right: ${why}. Nothing was signed.`,
    { target: role, actions: ['sign nothing, and find out who runs the depot now'] },
  );
}

/** Changes named in one message. */
const SAID = 5;

function foreignDraft(location: string, foreign: readonly CatalogChange[]): D3Error {
  const said = foreign.slice(0, SAID).map(({ kind, name, text }) => `${kind} ${name} ${text}`);
  const more = foreign.length > SAID ? `, and ${foreign.length - SAID} more` : '';
  return new D3Error(
    'DRAFT_FOREIGN',
    'verificationFailed',
    `The depot wants more signed than was asked for here: ${said.join('; ')}${more}. Nothing was signed.`,
    {
      target: location,
      actions: [
        'ask the other admins: if one of them changed that at this moment, look at it and sign: d3 depot keys sign',
        'if nobody did, sign nothing, and find out who runs the depot now',
      ],
    },
  );
}

import { type AdminPort, D3Error, type DepotDocument, type Json } from '@d3/sdk';

/** What of Jamf Pro is mirrored into documents. */
export type What = 'category' | 'department' | 'building' | 'site' | 'ea' | 'script' | 'group' | 'computer';

/** A link as the pull keeps it. */
export interface Link {
  what: What;
  jamf: string;
  /** Id of d3's document, or of a computer; null: it has none any more. */
  target: number | string | null;
  name: string;
  seen: Readonly<Record<string, Json>>;
}

/** All links of what is pulled, read once, written one by one. */
export class Links {
  readonly #admin: AdminPort;
  readonly #dryRun: boolean;
  readonly #documents = new Map<string, DepotDocument>();
  /** Links of computers, by the computer of d3. */
  readonly #targets = new Map<string, Set<string>>();

  private constructor(admin: AdminPort, dryRun: boolean) {
    this.#admin = admin;
    this.#dryRun = dryRun;
  }

  static async read(admin: AdminPort, dryRun: boolean): Promise<Links> {
    const links = new Links(admin, dryRun);
    for (const document of await admin.documents('jamf-link').list())
      if (document.body['what'] !== 'package') links.#keep(document.name, document);
    return links;
  }

  of(what: What, jamf: string): Link | null {
    const document = this.#documents.get(`${what}-${jamf}`);
    return document === undefined ? null : linkIn(document);
  }

  all(what: What): Link[] {
    return [...this.#documents.values()].filter(({ body }) => body['what'] === what).map(linkIn);
  }

  /** The links to a computer of d3: more than one where Jamf has it more than once. */
  ofTarget(computer: string): Link[] {
    return [...(this.#targets.get(computer) ?? [])].flatMap((name) => {
      const document = this.#documents.get(name);
      return document === undefined ? [] : [linkIn(document)];
    });
  }

  /** d3's document of a record of Jamf; null where there is none. */
  target(what: What, jamf: string | null | undefined): number | null {
    const target = jamf === null || jamf === undefined ? null : (this.of(what, jamf)?.target ?? null);
    return typeof target === 'number' ? target : null;
  }

  async set(link: Link): Promise<void> {
    const { what, jamf, target, name, seen } = link;
    await this.#write(`${what}-${jamf}`, { schema: 'd3/jamf-link@1', what, jamf, target, name, seen });
  }

  async drop(what: What, jamf: string): Promise<void> {
    const name = `${what}-${jamf}`;
    const document = this.#documents.get(name);
    if (document === undefined) return;
    if (!this.#dryRun) await this.#admin.documents('jamf-link').remove(document.id, document.generation);
    this.#keep(name, null);
  }

  /** What one pull tells the next. */
  get memory(): Readonly<Record<string, Json>> {
    return (this.#documents.get(MEMORY)?.body['seen'] ?? {}) as Readonly<Record<string, Json>>;
  }

  async remember(seen: Readonly<Record<string, Json>>): Promise<void> {
    await this.#write(MEMORY, { schema: 'd3/jamf-link@1', what: 'server', jamf: null, target: null, name: '', seen });
  }

  /**
   * Something that machines are to be shown is about to change: a pull that is cut before it has shown it leaves word to the next.
   */
  async changing(): Promise<void> {
    if (!this.isChanging) await this.remember({ ...this.memory, changing: true });
  }

  /** Whether something was changed that machines were not shown yet. */
  get isChanging(): boolean {
    return this.memory['changing'] === true;
  }

  #keep(name: string, document: DepotDocument | null): void {
    const before = this.#documents.get(name)?.body['target'];
    if (typeof before === 'string') this.#targets.get(before)?.delete(name);
    if (document === null) {
      this.#documents.delete(name);
      return;
    }
    this.#documents.set(name, document);
    const now = document.body['target'];
    if (typeof now === 'string') this.#targets.set(now, (this.#targets.get(now) ?? new Set()).add(name));
  }

  async #write(name: string, body: { schema: string; [property: string]: Json }): Promise<void> {
    const known = this.#documents.get(name);
    if (known !== undefined && JSON.stringify(known.body) === JSON.stringify(body)) return;
    if (this.#dryRun) {
      // What follows is said as if it had been written.
      const before = known ?? { id: 0, generation: 0, name, changedAt: '', changedBy: '' };
      this.#keep(name, { ...before, body });
      return;
    }
    const documents = this.#admin.documents('jamf-link');
    try {
      const document =
        known === undefined
          ? await documents.create(name, body)
          : await documents.update(known.id, known.generation, { body });
      this.#keep(name, document);
    } catch (error) {
      if (!(error instanceof D3Error) || !/^DOCUMENT_(?:CONFLICT|EXISTS)$/.test(error.code)) throw error;
      throw new D3Error('PULL_BUSY', 'busy', 'Another pull is under way at this moment', {
        target: 'jamf pull',
        actions: ['Wait until it has ended.'],
        cause: error,
      });
    }
  }
}

const MEMORY = 'server';

function linkIn({ body }: DepotDocument): Link {
  const { what, jamf, target, name, seen } = body as unknown as Link;
  return { what, jamf, target, name, seen };
}

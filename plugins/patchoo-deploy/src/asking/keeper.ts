import {
  type AdminPort,
  D3Error,
  type MachineRecord,
  type PluginContext,
  type ProvisionedAnswer,
  type ProvisioningChange,
  type ProvisioningLogin,
} from '@d3/sdk';
import type { CommandContext } from '@d3/sdk/command';
import type { ChoiceField } from '@d3/show';
import { type Assigned, assign, computerMeant, ownersOf } from '../assign.ts';
import type { Attribute } from '../rules/attributes.ts';
import type { AccountKind } from '../screens/forms.ts';

/** Whoever keeps the record of a machine: the depot, or another server through the plugin that speaks to it. */
export interface Keeper {
  /** Whose account it takes to write; null: what is kept here does. */
  asks: AccountKind | null;
  /** What is to be said of that; null: nothing. */
  warning: string | null;
  computer(): Promise<Assigned['computer']>;
  /** What is said of it; that needs nobody's account. */
  record(): Promise<MachineRecord | null>;
  /** Each with an account where one is needed. @throws D3Error notAuthorised when it is refused */
  isAnothers(name: string, account: ProvisioningLogin | null): Promise<boolean>;
  /** Null: it is typed. */
  choices(attribute: Attribute, account: ProvisioningLogin | null): Promise<ChoiceField['options'] | null>;
  /** Whether the two before need that account. */
  readsWithAccount: boolean;
  /** In one change, which is read back. @returns what the record says then, by name */
  write(said: Said, account: ProvisioningLogin | null): Promise<Readonly<Record<string, string>>>;
}

/** What was said: a name, if it is another one, and values by attribute; an empty one takes it away. */
interface Said {
  name: string | null;
  values: Readonly<Record<string, string>>;
}

export interface KeeperParts {
  ports: Pick<PluginContext, 'machine' | 'provisioning'>;
  context: Pick<CommandContext, 'depot' | 'depotKind' | 'admin'>;
  buildAttribute: string;
  /** Another computer than this one; null: this one. */
  word: string | null;
  /** Whether an account that is kept here may write, without anybody being asked for theirs. */
  stored: boolean;
}

/** Who keeps this machine's record. @throws D3Error depotUnreachable when nobody can say now */
export async function keeperFor(parts: KeeperParts): Promise<Keeper> {
  const { ports, word, context } = parts;
  const elsewhere = word === null ? await ports.provisioning.resolve(null) : null;
  if (elsewhere !== null) return new ElsewhereKeeper(parts);
  return new DepotKeeper(parts, await depotAccount(context, parts.stored));
}

const option = (value: string) => ({ value, label: value });

/** A server of its own, which the machine may read and whose accounts may write. */
class ElsewhereKeeper implements Keeper {
  readonly asks: AccountKind | null;
  readonly warning: string | null;
  readonly readsWithAccount = false;
  readonly #parts: KeeperParts;
  /** Attributes as they are called there, by what they are called here. */
  readonly #names = new Map<string, string>();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.asks = parts.stored ? null : 'password';
    this.warning = parts.stored ? STORED : null;
  }

  async computer(): Promise<Assigned['computer']> {
    const { name, serial } = await this.#parts.ports.machine.facts();
    const found = (await this.#parts.ports.provisioning.resolve(null))?.record ?? null;
    if (found !== null) return { id: found.id, name: found.name, serial };
    throw new D3Error('COMPUTER_NOT_FOUND', 'notFound', 'This machine has no record yet.', {
      target: serial ?? name,
      actions: ['it has one once it has enrolled and sent its inventory'],
    });
  }

  async record(): Promise<MachineRecord | null> {
    return (await this.#parts.ports.provisioning.resolve(null))?.record ?? null;
  }

  async isAnothers(name: string): Promise<boolean> {
    const { provisioning } = this.#parts.ports;
    let found: ProvisionedAnswer['record'];
    try {
      found = (await provisioning.named(name, null))?.record ?? null;
    } catch (error) {
      // Several have it: at least one of them is another.
      if (error instanceof D3Error && error.exit === 'refused') return true;
      throw error;
    }
    if (found === null || found.name.toLowerCase() !== name.toLowerCase()) return false;
    return found.id !== (await this.computer()).id;
  }

  async choices({ key }: Attribute): Promise<ChoiceField['options'] | null> {
    const choices = await this.#parts.ports.provisioning.choices(null);
    if (choices === null) return null;
    const { departments, buildings, sites, attributes } = choices;
    const places: Readonly<Record<string, readonly string[]>> = {
      department: departments,
      building: buildings,
      site: sites,
    };
    const place = places[key];
    if (place !== undefined) return place.map(option);
    const name = attributeName(key, this.#parts.buildAttribute);
    const found = Object.keys(attributes).find((one) => one.toLowerCase() === name.toLowerCase());
    if (found === undefined) throw noAttribute(name, `make the extension attribute ${name} there, as a pop-up`);
    this.#names.set(name, found);
    return attributes[found]?.map(option) ?? null;
  }

  async write(said: Said, account: ProvisioningLogin | null): Promise<Readonly<Record<string, string>>> {
    // One that others have already was allowed by the settings, and is no race.
    const isFree = said.name !== null && !(await this.isAnothers(said.name));
    const before = isFree ? (await this.computer()).name : null;
    const { ports, buildAttribute } = this.#parts;
    const nameOf = (key: string) => {
      const name = attributeName(key, buildAttribute);
      return this.#names.get(name) ?? name;
    };
    const answer = await ports.provisioning.write(changeOf(said, nameOf), account);
    const record = answer?.record ?? null;
    if (record !== null && said.name !== null && before !== null && (await this.isAnothers(said.name))) {
      // Two took it at the same moment: nobody knows who was first, so whoever sees it gives it back.
      await this.#parts.ports.provisioning.write({ name: before }, account);
      throw new D3Error('COMPUTER_NAME', 'refused', `Another computer was named ${said.name} at the same moment.`, {
        target: said.name,
        actions: ['choose another name; what else was said is kept'],
      });
    }
    if (record === null) {
      throw new D3Error('COMPUTER_NOT_FOUND', 'notFound', 'This machine has no record that could be written.', {
        actions: ['it has one once it has enrolled and sent its inventory'],
      });
    }
    return wordsOf(record);
  }
}

/** The depot: a folder, or served. */
class DepotKeeper implements Keeper {
  readonly asks: AccountKind | null;
  readonly warning: string | null;
  readonly readsWithAccount = true;
  readonly #parts: KeeperParts;
  #known: Assigned['computer'] | null = null;

  constructor(parts: KeeperParts, { asks, warning }: Pick<Keeper, 'asks' | 'warning'>) {
    this.#parts = parts;
    this.asks = asks;
    this.warning = warning;
  }

  /** What it is at the depot; where that takes an account, as the machine knows itself. */
  async computer(): Promise<Assigned['computer']> {
    if (this.#known !== null) return this.#known;
    const { word, ports } = this.#parts;
    const { computer, serial, name } = await ports.machine.facts();
    if (word === null && computer !== null) return { id: computer, name, serial };
    if (this.asks === null) return this.#with(null, async (_admin, found) => found);
    return { id: computer ?? name, name, serial };
  }

  async record(): Promise<MachineRecord | null> {
    const { word, ports, buildAttribute } = this.#parts;
    if (word === null && this.asks !== null) return ports.machine.record();
    const said = await this.#with(null, async (admin, { id }) => (await assign(id, {}, admin, buildAttribute)).record);
    return machineRecord(said);
  }

  isAnothers(name: string, account: ProvisioningLogin | null): Promise<boolean> {
    return this.#with(account, async (admin, { id, serial }) => {
      const owners = await ownersOf(name, admin, await admin.computers());
      // What was said of it ahead of its first report goes by its serial number.
      const own = [id, serial].map((one) => one?.toLowerCase());
      return owners.some((owner) => !own.includes(owner.toLowerCase()));
    });
  }

  choices({ key }: Attribute, account: ProvisioningLogin | null): Promise<ChoiceField['options'] | null> {
    return this.#with(account, async (admin) => {
      if (key !== 'build' && !key.startsWith('ea:'))
        return (await admin.documents(key).list())
          .map(({ name }) => name)
          .toSorted((a, b) => a.localeCompare(b))
          .map(option);
      const name = attributeName(key, this.#parts.buildAttribute);
      const document = await admin.documents('ea').byName(name);
      if (document === null) throw noAttribute(name, `d3admin ea add ${name} --type choice --choices …`);
      const { type, choices } = document.body as unknown as { type: string; choices: readonly string[] };
      return type === 'choice' ? choices.map(option) : null;
    });
  }

  write(said: Said, account: ProvisioningLogin | null): Promise<Readonly<Record<string, string>>> {
    return this.#with(account, async (admin, { id }) => {
      const { record } = await assign(id, assignmentOf(said), admin, this.#parts.buildAttribute);
      return record;
    });
  }

  #with<Result>(
    account: ProvisioningLogin | null,
    work: (admin: AdminPort, computer: Assigned['computer']) => Promise<Result>,
  ): Promise<Result> {
    const { context, word, ports } = this.#parts;
    return context.depot(
      'changes',
      async (admin) => {
        if (this.#known === null) {
          const facts = await ports.machine.facts();
          const wanted = word ?? facts.computer ?? facts.serial ?? facts.name;
          const { id, name, claims } = computerMeant(wanted, await admin.computers());
          this.#known = { id, name, serial: claims.serial };
        }
        return work(admin, this.#known);
      },
      account,
    );
  }
}

const STORED = 'what was answered is written with a credential that is kept on this machine';

/**
 * What a depot takes to be written. A folder takes a name, for its history; one that is served a person's token, unless one that is
 * kept here may be used.
 */
async function depotAccount(
  context: Pick<CommandContext, 'depot' | 'depotKind' | 'admin'>,
  stored: boolean,
): Promise<Pick<Keeper, 'asks' | 'warning'>> {
  if ((await context.depotKind()) === 'folder') {
    return { asks: (await isNamed(context)) ? null : 'name', warning: null };
  }
  if (!stored) return { asks: 'token', warning: null };
  try {
    await context.depot('reads', async () => undefined);
    return { asks: null, warning: STORED };
  } catch (error) {
    if (error instanceof D3Error && error.exit === 'notAuthorised') return { asks: 'token', warning: null };
    throw error;
  }
}

async function isNamed(context: Pick<CommandContext, 'admin'>): Promise<boolean> {
  try {
    await context.admin('required');
    return true;
  } catch (error) {
    if (error instanceof D3Error && error.code === 'ADMIN_NAME') return false;
    throw error;
  }
}

function attributeName(key: string, buildAttribute: string): string {
  return key === 'build' ? buildAttribute : key.slice('ea:'.length);
}

function noAttribute(name: string, action: string): D3Error {
  return new D3Error('EA_NOT_FOUND', 'notFound', `There is no extension attribute called ${name}.`, {
    target: name,
    actions: [action],
  });
}

function machineRecord({ name, department, building, site, ...attributes }: Record<string, string>): MachineRecord {
  return {
    name: name ?? null,
    department: department ?? null,
    building: building ?? null,
    site: site ?? null,
    attributes,
  };
}

/** By name, and only what is said. */
export function wordsOf({ name, department, building, site, attributes }: MachineRecord): Record<string, string> {
  const said = Object.entries({ name, department, building, site, ...attributes });
  return Object.fromEntries(said.filter((entry): entry is [string, string] => Boolean(entry[1])));
}

function assignmentOf({ name, values }: Said) {
  const eas = Object.entries(values).flatMap(([key, value]) =>
    key.startsWith('ea:') ? [`${key.slice('ea:'.length)}=${value}`] : [],
  );
  const { build, department, building, site } = values as Record<string, string | undefined>;
  return { name: name ?? undefined, build, department, building, site, eas };
}

function changeOf({ name, values }: Said, nameOf: (key: string) => string): ProvisioningChange {
  const attributes = Object.entries(values).flatMap(([key, value]) =>
    key === 'build' || key.startsWith('ea:') ? [[nameOf(key), value] as const] : [],
  );
  const places = (['department', 'building', 'site'] as const).flatMap((key) => {
    const value = values[key];
    return value === undefined ? [] : [[key, value === '' ? null : value] as const];
  });
  return {
    ...(name === null ? {} : { name }),
    ...Object.fromEntries(places),
    ...(attributes.length === 0 ? {} : { attributes: Object.fromEntries(attributes) }),
  };
}

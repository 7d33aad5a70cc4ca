import type { ArgvTable, FlagMap, FlagShape, Scope } from '../argv.ts';
import {
  adminFlags,
  attributeFlags,
  buildFlags,
  clientFlags,
  confirmingFlags,
  deferralFlags,
  installingFlags,
  receiptFlags,
  walkthruFlags,
  YES_NO_FLAGS,
} from './flags.ts';

/** What is needed of a flag; both a flag's definition and its entry in the manifest have it. */
interface KnownFlag {
  type: 'boolean' | 'option';
  char?: string | undefined;
  aliases?: readonly string[] | undefined;
  charAliases?: readonly string[] | undefined;
}

/** A command as it stands in oclif's configuration: aliases stand there as commands of their own. */
export interface KnownCommand {
  id: string;
  flags: Readonly<Record<string, KnownFlag>>;
}

/** The flags common to several commands, by where their letters are valid. */
const COMMON: Readonly<Record<Scope, Readonly<Record<string, KnownFlag>>>> = {
  client: { ...clientFlags, ...installingFlags, ...deferralFlags, ...receiptFlags },
  admin: { ...adminFlags, ...confirmingFlags, ...walkthruFlags, ...attributeFlags, ...buildFlags },
};

/**
 * The table {@link readCommandLine} works by. Before the command only the common flags and, where they do not
 * contradict those, the flags of single commands are known. Most command lines need one command's flags and none before
 * it, so each part is made when it is asked for.
 */
export function argvTable(commands: Iterable<KnownCommand>): ArgvTable {
  const byId = new Map(Array.from(commands, (command) => [command.id, command]));
  const made = new Map<string, FlagMap>();
  const flagsOf = (id: string): FlagMap | undefined => {
    const command = byId.get(id);
    if (command === undefined || made.has(id)) return made.get(id);
    const flags = flagMap(command.flags);
    made.set(id, flags);
    return flags;
  };
  const leading: Partial<Record<Scope, FlagMap>> = {};
  const leadingOf = (scope: Scope): FlagMap => {
    leading[scope] ??= leadingFlags(scope, [...byId.values()]);
    return leading[scope];
  };
  return {
    commands: { get: flagsOf, has: (id) => byId.has(id), keys: () => byId.keys() },
    leading: {
      get client() {
        return leadingOf('client');
      },
      get admin() {
        return leadingOf('admin');
      },
    },
  };
}

function leadingFlags(scope: Scope, commands: readonly KnownCommand[]): FlagMap {
  const known = flagMap(COMMON[scope]);
  for (const { id, flags } of commands) {
    if (id.startsWith('admin:') !== (scope === 'admin')) continue;
    for (const [typed, shape] of flagMap(flags)) if (!known.has(typed)) known.set(typed, shape);
  }
  return known;
}

function flagMap(flags: Readonly<Record<string, KnownFlag>>): Map<string, FlagShape> {
  const map = new Map<string, FlagShape>();
  for (const [name, flag] of Object.entries(flags)) {
    const kind = YES_NO_FLAGS.has(name) ? 'yes-no' : flag.type === 'option' ? 'value' : 'switch';
    const shape: FlagShape = { name, kind };
    for (const long of [name, ...(flag.aliases ?? [])]) map.set(`--${long}`, shape);
    for (const letter of [...(flag.char === undefined ? [] : [flag.char]), ...(flag.charAliases ?? [])]) {
      map.set(`-${letter}`, shape);
    }
  }
  return map;
}

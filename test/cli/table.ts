import type { ArgvTable } from '../../src/argv.ts';
import { argvTable, type KnownCommand } from '../../src/cli/command-table.ts';
import {
  adminChangingFlags,
  adminFlags,
  attributeFlags,
  buildFlags,
  changingFlags,
  clientFlags,
  confirmingFlags,
  deferralFlags,
  everyFlags,
  installingFlags,
  receiptFlags,
  walkthruFlags,
} from '../../src/cli/flags.ts';

type Flags = KnownCommand['flags'];

/** d3's commands with the aliases they had in the ancestor, as oclif lists them: aliases are commands too. */
const CLIENT: readonly [names: string[], flags: Flags][] = [
  [['install', 'i'], { ...installingFlags, ...deferralFlags, ...receiptFlags }],
  [['pilot'], { ...installingFlags, ...deferralFlags, ...receiptFlags }],
  [['uninstall', 'u'], installingFlags],
  [['depilot'], installingFlags],
  [['sync', 's'], { ...changingFlags, ...deferralFlags }],
  [['dequeue', 'dq'], changingFlags],
  [['freeze', 'f'], changingFlags],
  [['thaw', 't'], changingFlags],
  [['forget', 'fg'], changingFlags],
  [['list-available', 'la'], { force: installingFlags.force }],
  [['list-installed', 'li'], {}],
  [['list-manual', 'lm'], {}],
  [['list-pilots', 'lp'], {}],
  [['list-frozen', 'lf'], {}],
  [['list-queue', 'lq', 'list-puppies'], {}],
  [['list-details', 'ld'], {}],
  [['list-files', 'ls'], {}],
  [['query-file', 'qf'], {}],
];

const EVERY: readonly string[] = ['help', 'h', 'version', 'v'];

const ADMIN: readonly [names: string[], flags: Flags][] = [
  [['admin:add'], { ...confirmingFlags, ...walkthruFlags, ...attributeFlags, ...buildFlags }],
  [['admin:edit'], { ...confirmingFlags, ...walkthruFlags, ...attributeFlags }],
  [['admin:live'], confirmingFlags],
  [['admin:delete'], confirmingFlags],
  [['admin:show', 'admin:search'], {}],
  [['admin:info'], {}],
  [['admin:report'], { type: { type: 'option' }, queue: { type: 'boolean', char: 'q' } }],
  [['admin:config'], {}],
  [['admin:group:add', 'admin:group:edit', 'admin:group:list', 'admin:group:members'], adminChangingFlags],
  [['admin:script:add', 'admin:script:list'], adminChangingFlags],
];

const OTHER: readonly string[] = ['depot:init', 'depot:check', 'pkg:inspect', 'pkg:build', 'explain'];

/** The table of a whole d3, for command lines whose commands need not exist to be read. */
export const wholeTable: ArgvTable = argvTable([
  ...CLIENT.flatMap(([names, flags]) => names.map((id) => ({ id, flags: { ...clientFlags, ...flags } }))),
  ...ADMIN.flatMap(([names, flags]) => names.map((id) => ({ id, flags: { ...adminFlags, ...flags } }))),
  ...EVERY.map((id) => ({ id, flags: everyFlags })),
  ...OTHER.map((id) => ({ id, flags: clientFlags })),
]);

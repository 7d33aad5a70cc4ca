import { combineExitCodes, type D3Error } from '@d3/sdk';
import type { Change } from '../plugins/change.ts';
import type { Ended, Removed } from '../plugins/service.ts';
import type { ShownPlugin } from '../plugins/shown.ts';
import type { Table } from '../terminal/table.ts';
import type { Outcome } from './base.ts';

/** The results that there are, the errors of the others, and what they amount to. */
export function outcomeOf<Result>(ended: readonly Ended<Result>[]): Outcome<Result[]> {
  const result = ended.flatMap((one) => ('result' in one ? [one.result] : []));
  const errors: D3Error[] = ended.flatMap((one) => ('error' in one ? [one.error] : []));
  return { result, errors, exit: combineExitCodes([...result.map(() => 0), ...errors.map((error) => error.exitCode)]) };
}

/** One line for a plugin that was put in its place, or would be. */
export function changeText({ name, version, before, outcome }: Change): string {
  const from = before === null || before === version ? '' : ` (before: ${before})`;
  switch (outcome) {
    case 'installed':
      return `${name} ${version} is installed`;
    case 'updated':
      return `${name} ${version} is installed${from}`;
    case 'kept':
      return `${name} ${version} stays as it is`;
    case 'would':
      return `${name} ${version} would be installed${from}`;
  }
}

/** One line for a plugin that was removed, or would be. */
export function removedText({ name, version }: Removed, dryRun: boolean): string {
  return `${name} ${version} ${dryRun ? 'would be' : 'is'} removed`;
}

const KINDS: Readonly<Record<'core' | 'user' | 'link', string>> = {
  core: 'comes with d3',
  user: 'installed',
  link: 'linked',
};

type Listed = Pick<ShownPlugin, 'name' | 'version' | 'type' | 'folder' | 'asked' | 'problem'>;

/** @param empty what is said where there are none */
export function pluginsTable(plugins: readonly Listed[], empty: string): Table {
  return {
    title: 'Plugins',
    columns: ['Name', 'Version', 'Kind', 'From', 'State'],
    rows: plugins.map((plugin) => [
      plugin.name,
      plugin.version,
      kindOf(plugin.type),
      plugin.asked ?? plugin.folder,
      plugin.problem === null ? 'good' : 'LEFT OUT',
    ]),
    empty,
  };
}

export function kindOf(type: keyof typeof KINDS): string {
  return KINDS[type];
}

import type { Installation } from '../startup/installation.ts';
import { readIndex, renewIndex } from '../startup/installed-plugins.ts';
import { ownPlugins } from '../startup/own-plugins.ts';
import { folderOf, listedPlugins, lockProblem } from '../startup/plugin-list.ts';
import { lockOf } from './lock.ts';

/** A plugin as it is listed. */
export interface ShownPlugin {
  name: string;
  version: string;
  /** `core` comes with d3. */
  type: 'core' | 'user' | 'link';
  folder: string;
  /** What it was installed as; null for what was not installed. */
  asked: string | null;
  integrity: string | null;
  allowedBy: string | null;
  /** Why it is left out, if it is. */
  problem: string | null;
  commands: string[];
  /** Events it listens to. */
  events: string[];
}

/** What is installed and linked, and, where it is asked for, what comes with d3. */
export async function shownPlugins(
  folder: string,
  installation: Installation,
  d3: string,
  { core }: { core: boolean },
): Promise<ShownPlugin[]> {
  const own = core ? (await ownPlugins(installation)).filter(({ isRoot }) => !isRoot) : [];
  const shown = own.map(
    ({ name, version, root, commandIDs, hooks }): ShownPlugin => ({
      name,
      version,
      type: 'core',
      folder: root,
      asked: null,
      integrity: null,
      allowedBy: null,
      problem: null,
      commands: commandIDs.map(words).sort(),
      events: Object.keys(hooks).sort(),
    }),
  );
  return [...(await installed(folder, installation, d3)), ...shown];
}

async function installed(folder: string, installation: Installation, d3: string): Promise<ShownPlugin[]> {
  const listed = listedPlugins(folder);
  if (listed.length === 0) return [];
  const records = readIndex(folder, d3) ?? (await renewIndex(folder, installation, d3));
  const locked = lockProblem(folder) === null ? lockOf(folder).plugins : [];
  return listed.map((plugin): ShownPlugin => {
    const record = records.find(({ name }) => name === plugin.name);
    const pinned = locked.find(({ name }) => name === plugin.name);
    const problems = record?.problems ?? [];
    return {
      name: plugin.name,
      version: record?.version ?? pinned?.version ?? 'unknown',
      type: plugin.type,
      folder: folderOf(plugin, folder),
      asked: pinned?.type === 'user' ? pinned.asked : null,
      integrity: pinned?.type === 'user' ? pinned.integrity : null,
      allowedBy: pinned?.allowedBy ?? null,
      problem: problems.length === 0 ? null : problems.join('; '),
      commands: Object.keys(record?.manifest.commands ?? {})
        .map(words)
        .sort(),
      events: Object.keys(record?.hooks ?? {}).sort(),
    };
  });
}

function words(id: string): string {
  return id.replaceAll(':', ' ');
}

import { machinePaths, ownProgramPaths } from '../platform/paths.ts';
import type { ShownPlugin } from '../plugins/shown.ts';
import type { Installation } from '../startup/installation.ts';
import type { Table } from '../terminal/table.ts';
import type { Inputs } from './inputs.ts';
import { shownHere } from './plugins-shown.ts';
import { pluginsTable } from './plugins-text.ts';

/** What d3 consists of here, and where all of it lies: for whoever has to help from afar. */
export interface VersionDetails {
  /** `bundle` is what a build makes for users; `sources` a checkout. */
  code: Installation['code'];
  node: string;
  plugins: Pick<ShownPlugin, 'name' | 'version' | 'type' | 'folder' | 'asked' | 'problem'>[];
  /** By what lies there. */
  paths: Record<string, string>;
}

export async function versionDetails(
  installation: Installation,
  version: string,
  { root }: Pick<Inputs, 'root'>,
): Promise<VersionDetails> {
  const machine = machinePaths(root, process.platform);
  const own = ownProgramPaths();
  const shown = await shownHere(installation, version, { core: true });
  return {
    code: installation.code,
    node: process.execPath,
    plugins: shown.map(({ name, version: of, type, folder, asked, problem }) => ({
      name,
      version: of,
      type,
      folder,
      asked,
      problem,
    })),
    paths: {
      d3: installation.root,
      root,
      configuration: machine.config[0] as string,
      state: machine.state,
      log: machine.log,
      plugins: own.plugins,
      preferences: own.preferences,
      'compile cache': own.compileCache,
    },
  };
}

export function detailsTable({ code, node, plugins, paths }: VersionDetails): Table[] {
  return [
    pluginsTable(plugins, 'No plugins.'),
    {
      title: 'Places',
      columns: ['What', 'Where'],
      rows: [['code', code], ['Node', node], ...Object.entries(paths)],
      empty: '',
    },
  ];
}

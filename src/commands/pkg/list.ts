import type { ListedEntry } from '@d3/flatpkg';
import { Args } from '@oclif/core';
import { type ContextOf, D3Command, type Outcome } from '../../cli/base.ts';
import { PART_FLAGS, partOf } from '../../cli/package-part.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class PkgList extends D3Command<ListedEntry[], typeof PkgList> {
  static override summary = 'List what a package installs.';
  static override examples = [
    '<%= config.bin %> pkg list transmogrifier.pkg',
    '<%= config.bin %> pkg list suite.pkg --component org.example.editor',
    '<%= config.bin %> pkg list transmogrifier.pkg --scripts',
  ];
  static override flags = PART_FLAGS;
  static override args = { file: Args.string({ name: 'file', description: 'A package.', required: true }) };
  static override helpSection = 'Packages';

  async execute({ args, flags, signal }: ContextOf<typeof PkgList>): Promise<Outcome<ListedEntry[]>> {
    const { listPackage } = await import('../../installers/tools.ts');
    const { entries, warnings } = await listPackage(args.file, { ...partOf(flags), signal });
    return { result: entries, warnings };
  }

  render(entries: ListedEntry[], terminal: Terminal): void {
    const components = Map.groupBy(entries, ({ component }) => component);
    if (components.size === 0) terminal.result('# Nothing');
    for (const [component, listed] of components) {
      terminal.table({
        title: `Files of ${component}`,
        columns: ['Mode', 'Owner', { header: 'Bytes', align: 'right' }, 'Path'],
        rows: listed.map((entry) => [
          `${TYPE_LETTER[entry.type]}${entry.mode.toString(8).padStart(4, '0')}`,
          `${entry.uid}:${entry.gid}`,
          entry.size,
          `${entry.absolute}${linkText(entry)}`,
        ]),
      });
    }
  }
}

function linkText({ type, target, linkOf }: ListedEntry): string {
  if (type === 'symlink') return ` -> ${target}`;
  return linkOf === null ? '' : ` (one file with ${linkOf})`;
}

const TYPE_LETTER: Record<ListedEntry['type'], string> = { file: '-', dir: 'd', symlink: 'l' };

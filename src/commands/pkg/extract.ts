import path from 'node:path';
import { Args, Flags } from '@oclif/core';
import { type ContextOf, D3Command, type Outcome } from '../../cli/base.ts';
import { PART_FLAGS, partOf } from '../../cli/package-part.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface Extracted {
  folder: string;
  entries: number;
}

export default class PkgExtract extends D3Command<Extracted, typeof PkgExtract> {
  static override summary = 'Unpack a package into an empty folder, all or nothing.';
  static override description = [
    'The payload comes to lie in the folder itself, whatever its install location. Of a product with several',
    'components, unless one is named, each of those installed by default gets a folder of its own. Nothing in the package is run.',
  ].join(' ');
  static override examples = [
    '<%= config.bin %> pkg extract transmogrifier.pkg --to ./payload',
    '<%= config.bin %> pkg extract transmogrifier.pkg --scripts --to ./scripts',
  ];
  static override flags = {
    to: Flags.string({ helpValue: 'DIR', summary: 'An empty folder, or one that is not there yet.', required: true }),
    ...PART_FLAGS,
  };
  static override args = { file: Args.string({ name: 'file', description: 'A package.', required: true }) };
  static override helpSection = 'Packages';

  async execute({ args, flags, signal }: ContextOf<typeof PkgExtract>): Promise<Outcome<Extracted>> {
    const { extractPackage } = await import('../../installers/tools.ts');
    const folder = path.resolve(flags.to);
    const { entries, warnings } = await extractPackage(args.file, folder, { ...partOf(flags), signal });
    return { result: { folder, entries: entries.length }, warnings };
  }

  render({ folder, entries }: Extracted, terminal: Terminal): void {
    terminal.result(`${entries} ${entries === 1 ? 'entry is' : 'entries are'} in ${folder}.`);
  }
}

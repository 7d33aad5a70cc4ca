import path from 'node:path';
import { Args, Flags } from '@oclif/core';
import { type ContextOf, D3Command, type Outcome } from '../../cli/base.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface Built {
  file: string;
  size: number;
  sha256: string;
  entries: number;
}

export default class PkgBuild extends D3Command<Built, typeof PkgBuild> {
  static override summary = 'Build a flat package from a folder that stands for the root of the target machine.';
  static override description = 'The same folder gives the same bytes.';
  static override examples = [
    '<%= config.bin %> pkg build ./root --identifier org.example.transmogrifier --pkg-version 2.1.2 --output transmogrifier.pkg',
    '<%= config.bin %> pkg build --scripts ./scripts --identifier org.example.setup --pkg-version 1 --output setup.pkg',
  ];
  static override flags = {
    identifier: Flags.string({ helpValue: 'ID', summary: 'Identifier of the package.', required: true }),
    'pkg-version': Flags.string({ helpValue: 'VERSION', summary: 'Version of the package.', required: true }),
    output: Flags.string({ helpValue: 'FILE', summary: 'Where to write it.', required: true }),
    'install-location': Flags.string({
      helpValue: 'DIR',
      summary: 'Where on the target the folder goes.',
      default: '/',
    }),
    scripts: Flags.string({ helpValue: 'DIR', summary: 'Folder with preinstall and postinstall.' }),
    restart: Flags.option({
      summary: 'What installing it demands at the end.',
      options: ['none', 'logout', 'restart', 'shutdown'] as const,
      default: 'none' as const,
    })(),
    checksum: Flags.option({
      summary: 'The hash of its table of contents and members: every macOS reads sha1.',
      options: ['sha1', 'sha256', 'sha512'] as const,
      default: 'sha1' as const,
    })(),
    'preserve-times': Flags.boolean({
      summary: 'Keep the times of the files; otherwise all are the same, so that the bytes are.',
    }),
    'preserve-owners': Flags.boolean({ summary: 'Keep the owners of the files in the folder.' }),
  };
  static override args = {
    root: Args.string({ name: 'root', description: 'The folder to build from; none for a package of scripts.' }),
  };
  static override helpSection = 'Packages';

  async execute({ args, flags, signal }: ContextOf<typeof PkgBuild>): Promise<Outcome<Built>> {
    const { buildPackage } = await import('../../installers/tools.ts');
    const file = path.resolve(flags.output);
    const built = await buildPackage({
      output: file,
      identifier: flags.identifier,
      version: flags['pkg-version'],
      installLocation: flags['install-location'],
      restart: flags.restart,
      checksum: flags.checksum,
      times: flags['preserve-times'] ? 'preserve' : 'fixed',
      owners: flags['preserve-owners'] ? 'preserve' : 'recommended',
      signal,
      ...(args.root === undefined ? {} : { root: path.resolve(args.root) }),
      ...(flags.scripts === undefined ? {} : { scripts: path.resolve(flags.scripts) }),
    });
    return { result: { file, ...built } };
  }

  render({ file, entries, size, sha256 }: Built, terminal: Terminal): void {
    terminal.result(`${file}: ${entries} entries, ${size} bytes, sha256 ${sha256}`);
  }
}

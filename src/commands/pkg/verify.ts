import path from 'node:path';
import { Args } from '@oclif/core';
import { type ContextOf, D3Command, type Outcome } from '../../cli/base.ts';
import { packageFields, signatureText } from '../../cli/package-text.ts';
import type { VerifiedPackage } from '../../installers/tools.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class PkgVerify extends D3Command<VerifiedPackage, typeof PkgVerify> {
  static override summary = 'Read a package to its end and compare every checksum in it.';
  static override description = [
    'Compares the checksums of the table of contents and of every member, unpacks payload and scripts without writing',
    'anything, and compares the payload with the bill of materials. Signatures are shown, and verified only on a Mac,',
    "by Apple's own pkgutil and spctl.",
  ].join(' ');
  static override examples = ['<%= config.bin %> pkg verify transmogrifier.pkg'];
  static override args = { file: Args.string({ name: 'file', description: 'A package.', required: true }) };
  static override helpSection = 'Packages';

  async execute({ args, signal }: ContextOf<typeof PkgVerify>): Promise<Outcome<VerifiedPackage>> {
    const { verifyPackage } = await import('../../installers/tools.ts');
    const result = await verifyPackage(path.resolve(args.file), signal);
    return { result, warnings: result.warnings };
  }

  render({ members, bytes, signature, apple }: VerifiedPackage, terminal: Terminal): void {
    terminal.result(
      packageFields([
        ['Checksums', `right for all ${members} members, ${bytes} bytes`],
        ...signatureText(signature),
        ...(apple ?? []).map(
          ({ tool, accepted, lines }) =>
            [tool, `${accepted ? 'accepted' : 'not accepted'}: ${lines.join('; ')}`] as const,
        ),
      ]),
    );
  }
}

import { Flags } from '@oclif/core';
import { type ContextOf, D3Command, type Outcome } from '../cli/base.ts';
import { sessionOf } from '../cli/session.ts';
import type { VersionDetails } from '../cli/version-details.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface Versions {
  version: string;
  node: string;
  platform: string;
  arch: string;
  /** With --verbose only. */
  details?: VersionDetails;
}

export default class Version extends D3Command<Versions, typeof Version> {
  static override summary = 'Print the version of d3.';
  static override aliases = ['v'];
  static override examples = [
    '<%= config.bin %> version',
    '<%= config.bin %> --version',
    '<%= config.bin %> version --verbose',
  ];
  static override flags = {
    verbose: Flags.boolean({ summary: 'Print which plugins there are and where everything lies as well.' }),
  };

  protected async execute({ flags, inputs, version }: ContextOf<typeof Version>): Promise<Outcome<Versions>> {
    const result = { version, node: process.versions.node, platform: process.platform, arch: process.arch };
    if (!flags.verbose) return { result };
    const { versionDetails } = await import('../cli/version-details.ts');
    const installation = sessionOf(this.config).installation ?? { root: this.config.root, code: 'dist' };
    return { result: { ...result, details: await versionDetails(installation, version, inputs) } };
  }

  protected async render({ version, node, platform, arch, details }: Versions, terminal: Terminal): Promise<void> {
    // bin/run.js prints the same line for --version, without loading any of this.
    terminal.result(`d3 ${version} (Node ${node}, ${platform}-${arch})`);
    if (details === undefined) return;
    const { detailsTable } = await import('../cli/version-details.ts');
    for (const table of detailsTable(details)) terminal.table(table);
  }
}

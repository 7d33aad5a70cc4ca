import { type ContextOf, D3Command, type Outcome } from '../cli/base.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface Versions {
  version: string;
  node: string;
  platform: string;
  arch: string;
}

export default class Version extends D3Command<Versions, typeof Version> {
  static override summary = 'Print the version of d3.';
  static override aliases = ['v'];
  static override examples = ['<%= config.bin %> version', '<%= config.bin %> --version'];

  protected async execute({ version }: ContextOf<typeof Version>): Promise<Outcome<Versions>> {
    return { result: { version, node: process.versions.node, platform: process.platform, arch: process.arch } };
  }

  protected render({ version, node, platform, arch }: Versions, terminal: Terminal): void {
    // bin/run.js prints the same line for --version, without loading any of this.
    terminal.result(`d3 ${version} (Node ${node}, ${platform}-${arch})`);
  }
}

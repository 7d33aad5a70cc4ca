import path from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { ContextOf, Outcome } from '../../cli/base.ts';
import { changingFlags } from '../../cli/flags.ts';
import { PluginsCommand } from '../../cli/plugins-command.ts';
import type { CreatedPlugin } from '../../plugins/create.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class PluginsCreate extends PluginsCommand<CreatedPlugin, typeof PluginsCreate> {
  static override summary = 'Make a new plugin that works: a hook, a command, a test, a page about it.';
  static override description =
    'It is plain JavaScript without a build and needs nothing but d3. Change it into what you want.';
  static override examples = ['<%= config.bin %> plugins create d3-night'];
  static override flags = {
    'dry-run': changingFlags['dry-run'],
    dir: Flags.string({
      helpValue: 'DIR',
      summary: 'The folder to make; one of its name in the current folder unless said.',
    }),
  };
  static override args = { name: Args.string({ name: 'name', description: 'Of the npm package.', required: true }) };

  #dryRun = false;

  async execute({ args, flags, version }: ContextOf<typeof PluginsCreate>): Promise<Outcome<CreatedPlugin>> {
    const { createPlugin } = await import('../../plugins/create.ts');
    const { coreClaims } = await import('../../cli/plugins-here.ts');
    const folder = path.resolve(flags.dir ?? path.basename(args.name));
    const core = await coreClaims(this.installation);
    this.#dryRun = flags['dry-run'];
    return { result: createPlugin(args.name, folder, { core, d3: version, dryRun: this.#dryRun }) };
  }

  render({ name, folder, command, files }: CreatedPlugin, terminal: Terminal): void {
    const is = this.#dryRun ? 'would be' : 'is';
    terminal.result([`${name} ${is} in ${folder}:`, ...files.map((file) => `  ${file}`)].join('\n'));
    if (!this.#dryRun) terminal.result(`Try it: d3 plugins link ${folder}, then d3 ${command} Rehearsal`);
  }
}

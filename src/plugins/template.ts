/** What a new plugin is made of: a hook, a command, the rule both stand on, its test, and a page that says what it is. */
export interface TemplateWords {
  /** Of the package. */
  name: string;
  /** Its command, one word. */
  command: string;
  /** Versions of d3 it is made for. */
  d3: string;
}

/** Texts by the paths of their files. Pure. */
export function pluginTemplate({ name, command, d3 }: TemplateWords): Record<string, string> {
  const className = command.replaceAll(/(?:^|[-_])([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const pjson = {
    name,
    version: '0.1.0',
    description: `A plugin for d3: holds what is installed while a process is at work.`,
    type: 'module',
    files: ['commands', 'hooks', 'rules.js'],
    scripts: { test: 'node --test' },
    oclif: { commands: './commands', hooks: { 'd3:plan': './hooks/plan.js' } },
    engines: { d3 },
    peerDependencies: { '@d3/sdk': '*', '@oclif/core': '*' },
    peerDependenciesMeta: { '@d3/sdk': { optional: true }, '@oclif/core': { optional: true } },
  };
  return {
    'package.json': `${JSON.stringify(pjson, null, 2)}\n`,
    'rules.js': RULES,
    'hooks/plan.js': HOOK,
    [`commands/${command}.js`]: commandText(className),
    'test/rules.test.js': TEST,
    'README.md': readme(name, command),
  };
}

const RULES = `/** The process during which nothing that is installed is to change. */
export const BUSY = 'Rehearsal';

/**
 * What is held, and why. It reads nothing but what it is given, so that a test needs no machine.
 * @param {readonly string[]} processes names of what runs
 * @param {readonly string[]} basenames what is installed
 */
export function holds(processes, basenames) {
  if (!processes.includes(BUSY)) return [];
  return basenames.map((basename) => ({ kind: 'hold', basename, reason: \`\${BUSY} is running\` }));
}
`;

const HOOK = `import { defineHook } from '@d3/sdk';
import { holds } from '../rules.js';

/** Proposes; d3 checks, carries out, records and reports. */
export default defineHook('d3:plan', ({ machine, receipts }) =>
  holds(
    machine.processes,
    receipts.map(({ basename }) => basename),
  ),
);
`;

function commandText(className: string): string {
  return `import { D3Error } from '@d3/sdk';
import { PluginCommand } from '@d3/sdk/command';
import { Args } from '@oclif/core';
import { holds } from '../rules.js';

export default class ${className} extends PluginCommand {
  static summary = 'Say what would be held while a process runs.';
  static args = { process: Args.string({ description: 'Its name.', required: true }) };

  async execute({ args }) {
    if (args.process.trim() === '') {
      throw new D3Error('NO_PROCESS', 'usage', 'A process has a name.', { target: 'process' });
    }
    return { result: { process: args.process, holds: holds([args.process], ['everything']).length > 0 } };
  }

  text({ process, holds: held }) {
    return held ? \`\${process} holds what is installed.\` : \`\${process} holds nothing.\`;
  }
}
`;
}

const TEST = `import assert from 'node:assert/strict';
import test from 'node:test';
import { BUSY, holds } from '../rules.js';

test('holds all that is installed while the process runs', () => {
  assert.deepEqual(holds([BUSY, 'Finder'], ['tool']), [
    { kind: 'hold', basename: 'tool', reason: \`\${BUSY} is running\` },
  ]);
});

test('holds nothing while it does not', () => {
  assert.deepEqual(holds(['Finder'], ['tool']), []);
});
`;

function readme(name: string, command: string): string {
  return `# ${name}

A plugin for d3. It holds what is installed on a machine while the process that \`rules.js\` names is at work: \`d3 sync\` leaves it alone and says why.

    d3 plugins link .         run it out of this folder
    d3 hooks list             see where it listens
    d3 ${command} Rehearsal
    npm test                  test its rule

To give it to others: \`npm pack\`, then \`d3 plugins install ./${name.replace(/^@/, '').replace('/', '-')}-0.1.0.tgz\` there. As root d3 installs only what the setting \`plugins.allow\` names.

What to change first: \`rules.js\` and its test, then the description in \`package.json\`, then this page.
`;
}

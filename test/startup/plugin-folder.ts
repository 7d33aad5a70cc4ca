import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What a plugin for a test is made of. */
export interface MadePlugin {
  name: string;
  /** Its files, by path; `commands/` holds the commands. */
  files?: Record<string, string>;
  /** By event, the file. */
  hooks?: Record<string, string>;
  /** What it declares for d3: settings, documents. */
  d3?: object;
  /** Whether it lies among the installed ones, or somewhere else and is linked. */
  type?: 'user' | 'link';
}

/** A user's plugin folder, filled as plugin-plugins fills it. */
export class PluginFolder {
  /** For XDG_DATA_HOME. */
  readonly home = realpathSync(mkdtempSync(path.join(tmpdir(), 'd3-plugins-')));
  readonly folder = path.join(this.home, 'd3');
  readonly #listed: object[] = [];
  readonly #dependencies: Record<string, string> = {};

  get env(): Record<string, string> {
    return {
      XDG_DATA_HOME: this.home,
      npm_config_cache: path.join(this.home, 'npm-cache'),
      // Nobody is there: npm has no business on the network here.
      npm_config_registry: 'http://127.0.0.1:9/',
    };
  }

  get index(): string {
    return path.join(this.folder, 'plugins.index.json');
  }

  /** @returns the plugin's own folder */
  add({ name, files = {}, hooks = {}, d3 = {}, type = 'link' }: MadePlugin): string {
    const root = type === 'link' ? path.join(this.home, name) : path.join(this.folder, 'node_modules', name);
    const pjson = { name, version: '1.0.0', type: 'module', oclif: { commands: './commands', hooks, d3 } };
    for (const [file, text] of Object.entries({ ...files, 'package.json': JSON.stringify(pjson) })) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), text);
    }
    this.#listed.push(type === 'link' ? { name, type, root } : { name, type, tag: 'latest' });
    if (type === 'user') this.#dependencies[name] = '1.0.0';
    mkdirSync(this.folder, { recursive: true });
    const list = {
      name: '@d3/cli',
      private: true,
      dependencies: this.#dependencies,
      oclif: { schema: 1, plugins: this.#listed },
    };
    writeFileSync(path.join(this.folder, 'package.json'), JSON.stringify(list));
    return root;
  }

  /** A plugin somebody deleted by hand. */
  static empty(root: string): void {
    rmSync(root, { recursive: true });
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** A command that prints its name; `before` is code of its module. */
export function greeting(word: string, before = ''): string {
  return `import { Command, Flags } from '@oclif/core';
${before}
export default class extends Command {
  static summary = 'Say ${word}.';
  static aliases = ['${word}:again'];
  static flags = { loud: Flags.boolean({ char: 'l' }) };
  async run() { this.log('${word}'); }
}
`;
}

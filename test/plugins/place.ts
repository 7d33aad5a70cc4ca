import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { PluginLock } from '../../src/startup/plugin-list.ts';
import { d3, type Ended, type Start } from '../cli/spawn.ts';

export interface Shown {
  exit: number;
  result: Record<string, unknown>[];
  errors: { code: string; message: string; target: string; actions: string[] }[];
}

/** A plugin folder and a root with a configuration of their own. */
export class Place {
  readonly dir = realpathSync(mkdtempSync(path.join(tmpdir(), 'd3-install-')));
  readonly root = path.join(this.dir, 'root');
  readonly folder = path.join(this.dir, 'data', 'd3');
  readonly #registry: string;

  /** @param allow the setting `plugins.allow`; null leaves it out */
  constructor(registry: string, allow: readonly string[] | null = ['*']) {
    this.#registry = registry;
    mkdirSync(path.join(this.root, 'etc'), { recursive: true });
    this.allow(allow);
  }

  allow(allow: readonly string[] | null): void {
    this.#configure(allow === null ? {} : { allow });
  }

  /** Whether a person is told what is newer; everything is allowed then. */
  set notice(notice: 'on' | 'off') {
    this.#configure({ allow: ['*'], notice });
  }

  #configure(more: object): void {
    const plugins = { registry: this.#registry, ...more };
    writeFileSync(path.join(this.root, 'etc/d3.json'), JSON.stringify({ plugins }));
  }

  get env(): Record<string, string> {
    return {
      XDG_DATA_HOME: path.dirname(this.folder),
      XDG_CACHE_HOME: path.join(this.dir, 'cache'),
      D3_ROOT: this.root,
    };
  }

  run(words: readonly string[], start: Start = {}): Promise<Ended> {
    return d3(words, { cwd: this.dir, ...start, env: { ...this.env, ...start.env } });
  }

  /** Runs `d3 plugins …` and reads the one document it prints. */
  async plugins(words: readonly string[], start: Start = {}): Promise<Shown> {
    const { code, stdout, stderr } = await this.run(['plugins', ...words, '--json'], start);
    const lines = stdout.trim().split('\n');
    expect(lines, `${stdout}${stderr}`).to.have.lengthOf(1);
    const shown = JSON.parse(lines[0] as string) as Shown;
    expect(shown.exit).to.equal(code);
    return shown;
  }

  get lock(): PluginLock {
    return JSON.parse(readFileSync(path.join(this.folder, 'd3.plugins.lock'), 'utf8')) as PluginLock;
  }

  /** Names and versions, as the lock has them. */
  get installed(): string[] {
    return this.lock.plugins.map(({ name, version }) => `${name}@${version}`);
  }

  get stored(): string[] {
    return namesIn(path.join(this.folder, 'store'));
  }

  /** All that lies in the plugin folder itself. */
  get listed(): string[] {
    return namesIn(this.folder);
  }

  write(file: string, content: string | Buffer): string {
    const place = path.join(this.dir, file);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, content);
    return place;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The npm that comes with d3. */
export const npmCli = path.join(
  path.dirname(createRequire(import.meta.url).resolve('npm/package.json')),
  'bin/npm-cli.js',
);

/** A plugin whose command `says` prints a word; its install scripts would leave a mark. */
export function plugin(name: string, version: string, word: string, mark = '/nonexistent/mark') {
  const scripts = Object.fromEntries(
    ['preinstall', 'install', 'postinstall', 'prepare', 'prepack'].map((script) => [script, `touch ${mark}`]),
  );
  const id = word.split(' ')[0] as string;
  const manifest = { name, version, type: 'module', scripts, oclif: { commands: './commands' } };
  return { manifest, files: { [`commands/${id}.js`]: saying(word) } };
}

export function saying(word: string, before = ''): string {
  return `import { Command } from '@oclif/core';
${before}
export default class extends Command {
  static summary = 'Say it.';
  async run() { this.log(${JSON.stringify(word)}); }
}
`;
}

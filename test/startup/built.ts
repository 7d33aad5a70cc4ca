import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundle } from '../../scripts/bundle.ts';
import { writeOwnIndex } from '../../src/startup/own-plugins.ts';
import { type Ended, repository, run, type Start } from '../cli/spawn.ts';

/** d3 as users run it, built beside the sources for a test. */
export class BuiltD3 {
  readonly root = realpathSync(mkdtempSync(path.join(tmpdir(), 'd3-built-')));

  /** @param without plugins that are taken off the list of those that come with d3 */
  async build(without: readonly string[] = []): Promise<void> {
    copyFileSync(path.join(repository, 'oclif.manifest.json'), path.join(this.root, 'oclif.manifest.json'));
    const pjson = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as {
      oclif: { plugins: string[] };
    };
    pjson.oclif.plugins = pjson.oclif.plugins.filter((name) => !without.includes(name));
    writeFileSync(path.join(this.root, 'package.json'), JSON.stringify(pjson));
    cpSync(path.join(repository, 'bin'), path.join(this.root, 'bin'), { recursive: true });
    symlinkSync(path.join(repository, 'node_modules'), path.join(this.root, 'node_modules'));
    mkdirSync(path.join(this.root, 'dist'));
    await bundle(repository, path.join(this.root, 'dist', 'bundle'));
    await writeOwnIndex(this.root);
  }

  /** @param node options of Node itself */
  run(words: readonly string[], start: Start = {}, node: readonly string[] = []): Promise<Ended> {
    return run(process.execPath, [...node, path.join(this.root, 'bin/run.js'), ...words], start);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

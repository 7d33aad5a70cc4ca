import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3Program } from '../cli/spawn.ts';

const project = path.join(import.meta.dirname, '../..');

interface Block {
  /** `sh` is run, `text` must have been printed, anything else is a file. */
  kind: string;
  file: string;
  text: string;
}

function blocks(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(([, kind, file, text]) => ({
    kind: kind as string,
    file: file ?? '',
    text: text as string,
  }));
}

/**
 * Does what a page of docs/ says, word for word: files are written, `sh` blocks run one after the other, and what a `text` block
 * shows must have been printed by the one before.
 * @param dir an empty folder for all of it
 * @returns what the last one printed
 */
export function follow(page: string, dir: string): string {
  const bin = path.join(dir, '.bin');
  mkdirSync(bin);
  for (const [name, first] of [
    ['d3', ''],
    ['d3admin', 'admin '],
  ] as const) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\nexec ${d3Program.join(' ')} ${first}"$@"\n`);
    chmodSync(path.join(bin, name), 0o755);
  }
  const env = {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: path.join(dir, 'home'),
    XDG_DATA_HOME: path.join(dir, 'home/data'),
    XDG_CACHE_HOME: path.join(dir, 'home/cache'),
  };
  mkdirSync(env.HOME);
  const guide = blocks(readFileSync(path.join(project, 'docs', page), 'utf8'));
  expect(guide.length).to.be.greaterThan(8);
  let printed = '';
  // One shell in the reader's hands: what a block exports holds for those after it.
  let exported = '';
  for (const { kind, file, text } of guide) {
    if (kind === 'text') for (const line of text.trimEnd().split('\n')) expect(printed).to.include(line);
    else if (kind !== 'sh') writeFileSync(path.join(dir, file), text);
    else {
      const { status, stdout, stderr } = spawnSync('sh', ['-e', '-c', exported + text], {
        cwd: dir,
        env,
        encoding: 'utf8',
      });
      for (const line of text.split('\n')) if (line.startsWith('export ')) exported += `${line}\n`;
      printed = `${stdout}${stderr}`;
      expect(status, `${text}\n${printed}`).to.equal(0);
    }
  }
  return printed;
}

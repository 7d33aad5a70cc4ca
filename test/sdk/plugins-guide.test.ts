import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';

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

describe('docs/plugins.md', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'd3-guide-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('leads from nothing to a plugin with a hook and a command, word for word', function () {
    this.timeout(120_000);
    const bin = path.join(dir, '.bin');
    mkdirSync(bin);
    for (const [name, first] of [
      ['d3', ''],
      ['d3admin', 'admin '],
    ] as const) {
      const dev = `exec ${process.execPath} --conditions=d3-source --disable-warning=ExperimentalWarning ${project}/bin/dev.js ${first}"$@"`;
      writeFileSync(path.join(bin, name), `#!/bin/sh\n${dev}\n`);
      chmodSync(path.join(bin, name), 0o755);
    }
    const env = {
      PATH: `${bin}:${process.env['PATH']}`,
      HOME: path.join(dir, 'home'),
      XDG_DATA_HOME: path.join(dir, 'home/data'),
      XDG_CACHE_HOME: path.join(dir, 'home/cache'),
    };
    mkdirSync(env.HOME);
    const guide = blocks(readFileSync(path.join(project, 'docs/plugins.md'), 'utf8'));
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
    expect(printed)
      .to.not.include('d3-night says')
      .and.not.match(/^d3:plan .* d3-night$/m);
  });
});

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { linesOf } from './lines.ts';

/** One life of a depot and a machine, told by commands; `linesOf` holds each result to its schema. */
describe('results', function () {
  this.timeout(300_000);
  let dir: string;
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-results-')));
    mkdirSync(path.join(dir, 'mac'));
    mkdirSync(path.join(dir, 'payload', 'opt', 'tool'), { recursive: true });
    writeFileSync(path.join(dir, 'payload', 'opt', 'tool', 'version'), '1');
    writeFileSync(path.join(dir, 'hello.sh'), '#!/bin/sh\n');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('depot3:D10 of commands that do what they are for are as the schemas say', async () => {
    const env = {
      D3_ROOT: path.join(dir, 'mac'),
      D3_DEPOT: path.join(dir, 'depot'),
      USER: 'sally',
      XDG_CONFIG_HOME: path.join(dir, 'config'),
    };
    const story = [
      `depot init ${dir}/depot`,
      'admin category add Tools',
      'admin category list',
      'admin site add Vienna',
      'admin group add Lab',
      'admin group show Lab',
      'admin group list',
      'admin ea add Room',
      'admin ea list',
      `admin script add ${dir}/hello.sh`,
      'admin script list',
      `admin add tool -v 1 -s ${dir}/payload --pkg-id org.example.tool -a`,
      'admin live tool-1-1 -a',
      'admin show all',
      'admin info tool',
      'admin search tool',
      'list-available',
      'install tool --dry-run',
      'install tool',
      'list-installed',
      'list-details tool',
      'list-files tool',
      'explain tool',
      'sync',
      'freeze tool',
      'thaw tool',
      'list-queue',
      'ea receipts',
      'ea queue',
      'admin report tool',
      'admin computer list',
      'admin history',
      'admin history --verify',
      'admin doctor',
      'config list',
      'hooks list',
      'run list',
      'depot keys list',
      'depot collect',
      'service status',
      'uninstall tool',
      'help install',
      'version',
    ];
    const ended = await linesOf(
      story.map((line) => ({ argv: [...line.split(' '), '--json'], env })),
      dir,
    );
    const without = ended.flatMap(({ stdout }, at) =>
      (JSON.parse(stdout) as { result: unknown }).result === null ? [`${story[at]}: ${stdout}`] : [],
    );
    expect(without).to.deep.equal([]);
  });
});

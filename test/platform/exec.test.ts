import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ExecRequest, ExecResult } from '@d3/sdk';
import { expect } from 'chai';
import { execIn } from '../../src/platform/exec.ts';
import { NODE } from '../cli/spawn.ts';

describe('running a program', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'd3-exec-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function run(body: string, changes: Partial<ExecRequest> = {}): Promise<ExecResult & { lines: string[] }> {
    const lines: string[] = [];
    const ended = await execIn(folder).run({
      content: Buffer.from(`#!/bin/sh\n${body}\n`),
      name: 'script',
      args: [],
      environment: {},
      timeout: 20_000,
      signal: new AbortController().signal,
      onLine: (line) => lines.push(line),
      ...changes,
    });
    return { ...ended, lines };
  }

  it('tells its exit code and every line, and leaves nothing', async () => {
    const ended = await run('echo out; echo err >&2; printf last; exit 7');
    expect(ended).to.deep.include({ code: 7, signal: null, timedOut: false });
    expect(ended.lines.toSorted()).to.deep.equal(['err', 'last', 'out']);
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('patchoo:IN-11 takes away what a killed process left, and nothing of one that lives', async () => {
    const text = `
      const { execIn } = await import(${JSON.stringify(path.join(import.meta.dirname, '../../src/platform/exec.ts'))});
      await execIn(${JSON.stringify(folder)}).run({ content: Buffer.from('#!/bin/sh\\necho here\\nsleep 60\\n'), name: 'script', args: [],
        environment: {}, timeout: 60_000, signal: new AbortController().signal, onLine: console.log });`;
    const begin = async () => {
      const child = spawn(process.execPath, [...NODE, '--input-type=module', '-e', text], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      return child;
    };
    const rooms = () => readdirSync(folder).filter((name) => !name.includes('.lock')).length;
    const [killed, lives] = [await begin(), await begin()];
    try {
      killed.kill('SIGKILL');
      await once(killed, 'exit');
      expect(rooms()).to.equal(2);
      await Promise.all([run('sleep 0.5'), run('sleep 0.5')]);
      expect(rooms(), 'the one that lives keeps its own').to.equal(1);
      lives.kill('SIGKILL');
      await once(lives, 'exit');
      await run('true');
      expect(readdirSync(folder)).to.deep.equal([]);
    } finally {
      for (const child of [killed, lives]) child.kill('SIGKILL');
    }
  });

  it('tells a line without an end in pieces, and holds none of it back', async function () {
    this.timeout(120_000);
    const megabytes = 600;
    let [characters, longest] = [0, 0];
    const onLine = (line: string) => {
      characters += line.length;
      longest = Math.max(longest, line.length);
    };
    const before = process.memoryUsage.rss();
    const zeros = `dd if=/dev/zero bs=1048576 count=${megabytes} 2>/dev/null | tr '\\0' x`;
    expect((await run(zeros, { onLine, timeout: 100_000 })).code).to.equal(0);
    expect(characters).to.equal(megabytes * 1_048_576);
    expect(longest).to.equal(4096);
    expect(process.memoryUsage.rss() - before).to.be.lessThan(200_000_000);
  });

  it('tells lines as they are: without their ends, empty ones too, characters whole', async () => {
    const long = 'é'.repeat(5000);
    const { lines } = await run(`printf 'a\\r\\n\\n${long}\\nz'`);
    expect(lines).to.deep.equal(['a', '', long.slice(0, 4096), long.slice(4096), 'z']);
  });

  it('fails by itself when a line cannot be told', async () => {
    const onLine = () => {
      throw new Error('no room for the log');
    };
    const failure = await run('echo a; echo b', { onLine }).catch((error: Error) => error.message);
    expect(failure).to.equal('no room for the log');
  });

  it('ends it, and what it started, when its time is up', async () => {
    const started = Date.now();
    const ended = await run('sleep 60 & sleep 60', { timeout: 200 });
    expect(ended).to.include({ code: null, timedOut: true });
    expect(Date.now() - started).to.be.lessThan(10_000);
  });

  it('ends even what does not listen', async () => {
    const ended = await run('trap "" TERM; while :; do sleep 1; done', { timeout: 200 });
    expect(ended).to.include({ code: null, signal: 'SIGKILL', timedOut: true });
  });

  it('ends it when d3 is stopped', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 200);
    expect(await run('sleep 60', { signal: stop.signal })).to.include({ code: null, timedOut: false });
  });

  it('says why something cannot be run', async () => {
    const failure = await execIn(folder)
      .run({
        content: Buffer.from('#!/nowhere/interpreter\n'),
        name: 'x',
        args: [],
        environment: {},
        timeout: 1000,
        signal: new AbortController().signal,
        onLine: () => undefined,
      })
      .catch((error: NodeJS.ErrnoException) => error.code);
    expect(failure).to.equal('ENOENT');
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('keeps a name within the folder', async () => {
    expect((await run('basename "$0"', { name: '../../etc/x y' })).lines.join()).to.match(/^[\w.-]+$/);
    expect((await run('basename "$0"', { name: '..' })).code).to.equal(0);
  });
});

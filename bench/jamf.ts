/**
 * What d3 asks of Jamf Pro for what it does: calls, bytes and time, against a stand-in in a process of its own. The pull of all computers
 * against the same pages with got and nothing else.
 * Usage: node --conditions=d3-source bench/jamf.ts [COMPUTERS]
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SECRET } from '../plugins/jamf/test/support/jamf-pro.ts';
import { openDepot } from '../src/depot/index.ts';
import { Sandbox } from '../test/support/sandbox.ts';
import { measure, say } from './measure.ts';

const COMPUTERS = Number(process.argv[2] ?? 10_000);
const GROUPS = 100;
const FLAGS = ['--conditions=d3-source', '--disable-warning=ExperimentalWarning'];

interface Counted {
  calls: number;
  bytes: number;
  atOnce: number;
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-jamf-'));
const server = fork(path.join(import.meta.dirname, 'jamf-server.ts'), [String(COMPUTERS), String(GROUPS)], {
  execArgv: FLAGS,
});
const sandbox = await Sandbox.make();
try {
  const { url } = (await answer()) as { url: string };
  const secret = path.join(folder, 'secret');
  writeFileSync(secret, SECRET, { mode: 0o600 });
  const site = ['--server', url, '--client-id', 'd3', '--secret-file', secret, '--json', '--no-input'];
  const env = { ...process.env, D3_DEPOT: sandbox.depot, USER: 'bench', HOME: folder };
  const d3 = (...line: string[]) => measure(['bin/run.js', ...line, ...site], env);
  const counted = async (): Promise<Counted> => {
    server.send('count');
    return (await answer()) as Counted;
  };
  const shown = async (
    what: string,
    run: () => { wall: number; peak: number },
    floor?: () => { wall: number; peak: number },
  ) => {
    const base = floor?.();
    await counted();
    const { wall, peak } = run();
    const { calls, bytes, atOnce } = await counted();
    const beside =
      base === undefined ? '' : `, ${(wall / base.wall).toFixed(1)} x got alone (peak ${base.peak.toFixed(0)} MiB)`;
    say(
      `${what}: ${calls} calls, ${(bytes / 1024).toFixed(0)} KiB, ${(wall / 1000).toFixed(1)} s${beside}, peak ${peak.toFixed(0)} MiB, at most ${atOnce} at once`,
    );
  };

  const depot = await openDepot(sandbox.depot, { clock: sandbox.clock });
  for (let at = 0; at < COMPUTERS; at += 500) {
    const reports = Array.from({ length: Math.min(500, COMPUTERS - at) }, (_, one) =>
      JSON.stringify(reportOf(at + one)),
    );
    await depot.collectTexts(reports.join('\n'));
  }
  await depot.close();
  const edition = (await sandbox.add('tool', '1')).edition.edition;
  await shown('push of a new edition', () => d3('jamf', 'push', edition));
  await shown('push of it again', () => d3('jamf', 'push', edition));
  const floor = () =>
    measure([...FLAGS, path.join(import.meta.dirname, 'jamf-floor.ts'), url, SECRET, String(COMPUTERS)], env);
  await shown(`first pull of ${COMPUTERS} computers and ${GROUPS} groups`, () => d3('jamf', 'pull'), floor);
  await shown('full pull without changes', () => d3('jamf', 'pull', '--full'), floor);
  await shown('pull without changes', () => d3('jamf', 'pull'));
  const machine = sandbox.machine('mac-x');
  await machine.sync();
  await counted();
  await machine.sync();
  say(`sync of a machine without changes: ${(await counted()).calls} calls`);
} finally {
  server.disconnect();
  sandbox.remove();
  rmSync(folder, { recursive: true, force: true });
}

function answer(): Promise<unknown> {
  return new Promise((resolve) => {
    server.once('message', resolve);
  });
}

function reportOf(at: number) {
  const id = `00000000-0000-4000-8000-${at.toString(16).padStart(12, '0')}`;
  return {
    schema: 'd3/report@1',
    run: `bench-${at}`,
    at: '2026-01-01T00:00:00.000Z',
    computer: { id, name: `mac-${at}`, claims: { serial: `SERIAL${at}`, hardwareUuid: null, macs: [] }, user: null },
    os: { name: 'macOS', version: '15.6' },
    cpu: 'arm64',
    d3: '0.1.0',
    command: 'sync',
    exit: 0,
    outcomes: [],
    receipts: [],
    queue: [],
  };
}

import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { silentReporter } from '@d3/sdk';
import { StepRuns } from '../../src/client/step-runs.ts';
import { execIn } from '../../src/platform/exec.ts';
import { newRun } from '../../src/runs/make.ts';
import type { RunStore, StepKind } from '../../src/runs/types.ts';
import { machineOf } from '../support/machine.ts';

/**
 * Advances a run on a machine and is killed at a point: `kill-child.ts ROOT DEPOT POINT STEPS`. Points are before and after
 * everything that changes something. A restart of the machine kills it too. It prints what became of the run.
 */
const [root = '', depot = '', point = '0', kinds = ''] = process.argv.slice(2);
let left = Number(point);

function cutHere(): void {
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
}

const at = (name: string) => path.join(root, name);
const read = (name: string) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : '');

const machine = machineOf(root, depot);
const runs = new StepRuns({
  machine,
  exec: execIn(machine.paths.work),
  power: {
    bootId: async () => read('boot'),
    async restart() {
      writeFileSync(at('boot'), `${Number(read('boot')) + 1}`);
      process.kill(process.pid, 'SIGKILL');
      return true;
    },
  },
  services: { isActive: async () => null, act: async () => undefined },
  options: { debug: false, wait: 0, parent: null, signal: new AbortController().signal, report: silentReporter },
});

const write: StepKind = {
  kind: 'write',
  schema: {},
  timeout: null,
  async run({ index }) {
    cutHere();
    appendFileSync(at('began'), `${index} `);
    cutHere();
    appendFileSync(at('written'), `${index} `);
    cutHere();
    return { kind: 'done', text: '' };
  },
  settled: async ({ index }) => (read('written').split(' ').includes(`${index}`) ? 'it is written' : null),
};
runs.add(write);

const store = runs.store as unknown as RunStore;
const [create, save, append] = [store.create.bind(store), store.save.bind(store), store.append.bind(store)];
const cut =
  <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
  async (...args: A): Promise<R> => {
    cutHere();
    const result = await work(...args);
    cutHere();
    return result;
  };
Object.assign(store, { create: cut(create), save: cut(save), append: cut(append) });

if ((await runs.store.get('r')) === null) {
  const steps = kinds.split(',').map((kind) => ({ kind, args: {} }));
  const origin = { kind: 'other' as const, id: null, name: 'test', event: null };
  await runs.create(newRun({ id: 'r', origin, by: 'sally', at: machine.clock.now(), steps }));
}
const run = await runs.advance('r');
runs.close();
process.stdout.write(JSON.stringify(run));

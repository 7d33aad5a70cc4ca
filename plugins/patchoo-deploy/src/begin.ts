import { randomBytes } from 'node:crypto';
import { D3Error, type RunHere } from '@d3/sdk';
import { bootstrapFiles } from './bootstrap.ts';
import { lockFiles } from './lock/files.ts';
import type { Deployment, Mode } from './memory.ts';
import type { Parts } from './parts.ts';
import { type Enrolment, mayStart } from './rules/start.ts';
import { LOOP_BEGIN } from './rules/update-loop.ts';
import { stepsOf } from './steps.ts';

export interface BeginRequest {
  mode: Mode;
  by: string;
  enrolment: Enrolment;
  /** Asked for by hand, knowing that the machine was deployed before. */
  again: boolean;
}

export interface Begun {
  run: RunHere;
  /** One that was begun before and is not over. */
  resumed: boolean;
}

/**
 * Begins a deployment of this machine, or finds the one that is not over. It is written down which run it is before there is one, and
 * what goes on with it after a restart is laid down before anything is done: a cut at any point leaves what repeating this completes.
 * @throws D3Error refused `DEPLOY_REFUSED`, `STATE_CONFLICT` when somebody else begins one at this moment
 */
export async function begin(request: BeginRequest, parts: Parts): Promise<Begun> {
  const { memory, ports, settings } = parts;
  const before = memory.deployment();
  const open = before !== null && (before.end === null || before.end.closing);
  const enrolment = (await ports.machine.facts()).computer;
  const released = memory.released();
  const verdict = mayStart({
    enrolment: request.enrolment,
    mark: enrolment,
    released: released === null ? null : (released.enrolment ?? ''),
    open,
    // Whoever only has it patched deploys nothing a second time.
    again: request.again || request.mode === 'update-only',
  });
  if (verdict.kind === 'refuse') {
    throw new D3Error('DEPLOY_REFUSED', 'refused', `This machine is not deployed now: ${verdict.why}.`, {
      target: enrolment ?? ports.root,
      actions: ['if it is to be deployed all the same: d3 provision setup --again', 'look at it: d3 provision status'],
    });
  }
  const steps = stepsOf(open && before !== null ? before.mode : request.mode, settings);
  if (!open) {
    const begun: Deployment = {
      schema: 'd3/provision@1',
      run: newId(ports.clock.now()),
      mode: request.mode,
      by: request.by,
      startedAt: ports.clock.now().toISOString(),
      enrolment,
      snapshot: null,
      hold: null,
      trouble: null,
      busy: null,
      loop: LOOP_BEGIN,
      restart: null,
      override: null,
      warnings: [],
      end: null,
      history: [],
    };
    memory.begin(begun, before);
  }
  const { run: id, mode, by } = memory.deployment() as Deployment;
  const run =
    (await ports.runs.get(id)) ??
    (await ports.runs.create({ id, name: mode === 'deploy' ? 'deployment' : 'updates', by, steps }));
  await arm(parts, { run: false, lock: false });
  return { run, resumed: open };
}

/** Lays down what goes on with a deployment after a start of the machine. @param now what of it begins at once */
export async function arm({ ports, settings }: Parts, now: { run: boolean; lock: boolean }): Promise<void> {
  const program = await ports.triggers.program();
  await ports.triggers.install(bootstrapFiles(program), { dryRun: false, now: now.run });
  if (settings.lock === 'no') return;
  await ports.triggers.install(lockFiles(program, process.platform), { dryRun: false, now: now.lock });
}

function newId(now: Date): string {
  return `provision-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`;
}

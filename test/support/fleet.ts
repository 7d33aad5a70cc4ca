import { addGroup, addSmartGroup } from '../../src/admin/groups.ts';
import { addToken } from '../../src/admin/tokens.ts';
import type { Report, ReportedReceipt } from '../../src/depot/contract.ts';
import { openDepot } from '../../src/depot/index.ts';
import { newRunId } from '../../src/run-id.ts';
import { newRun } from '../../src/runs/make.ts';
import { begin, complete, hold } from '../../src/runs/transitions.ts';
import { TestClock } from '../depot/helpers.ts';
import { driversWith } from './machine.ts';
import { Sandbox, type SandboxMachine } from './sandbox.ts';

const HOUR = 3_600_000;

/** What a machine with a hostile name calls itself: markup, and marks that turn the direction of writing. */
export const HOSTILE_NAME = '<img src=x onerror="document.title=1"> \u202egnp.exe';

/** The same machine with a disk that gives up when something is to be put in place. */
function failing(machine: SandboxMachine): SandboxMachine {
  const broken = async () => {
    throw new Error('EIO: i/o error, the disk gave up');
  };
  return machine.with({ driverFor: driversWith(machine.machine, broken) });
}

export interface Fleet {
  sandbox: Sandbox;
  machines: SandboxMachine[];
  /** The token of a viewer. */
  token: string;
  technician: string;
  run: string;
}

/**
 * A depot with three weeks behind it, and real machines in folders that went through them: editions in every status, one
 * that spreads, one that fails, one that is blocked, queues, frozen and silent machines, a run that holds.
 * @param end when it is over, milliseconds since 1970
 */
export async function makeFleet(end: number): Promise<Fleet> {
  const clock = new TestClock(new Date(end - 21 * 24 * HOUR).toISOString());
  const ago = (hours: number) => clock.moveTo(end - hours * HOUR);
  const sandbox = await Sandbox.make(clock);
  const names = ['ada', 'bert', 'cleo', 'dora', 'emil', 'fritz', 'greta', 'hugo', 'iris', 'jonas'];
  const machines = names.map((name, index) =>
    sandbox.machine(`${name}-mac`, {
      name: name === 'jonas' ? HOSTILE_NAME : `${name}-mac`,
      os: { name: 'macOS', version: index % 3 === 0 ? '14.6' : '15.5' },
      cpu: index === 4 ? 'x86_64' : 'arm64',
      model: index % 2 === 0 ? 'Mac15,12' : 'Macmini9,1',
      serial: `C02X${index}D3XQ`,
      user: name,
      processes: name === 'cleo' || name === 'emil' ? ['Chatter'] : [],
    }),
  );
  const [ada, bert, cleo, dora, emil, fritz, greta, hugo, iris, jonas] = machines;
  const all = machines;
  await sandbox.add('editor', '1.9', { autoGroups: 'standard', live: true });
  await sandbox.add('chatter', '4.0', { autoGroups: 'standard', prohibitingProcesses: 'Chatter' });
  for (const machine of all) await machine.sync();
  ago(400);
  const staff = await sandbox.admin(async (session) => {
    const computers = await session.depot.store.computers.list();
    const ids = computers.filter(({ name }) => /^(?:ada|bert|iris)/.test(name)).map(({ id }) => id);
    return addGroup('teachers', '', ids, session);
  });
  await sandbox.add('grades', '2.2', { autoGroups: staff.name, live: true });
  await sandbox.add('old-tool', '1.0', {});
  await sandbox.add('old-tool', '1.1', { live: true });
  await hugo?.install(['old-tool']);
  for (const machine of all) await machine.sync();
  await fritz?.request({ kind: 'freeze', targets: ['editor'], admin: 'frieda' });
  ago(300);
  await sandbox.add('editor', '2.0', { inherit: true });
  await ada?.pilot(['editor-2.0-1']);
  ago(260);
  await bert?.pilot(['editor-2.0-1']);
  ago(170);
  await sandbox.live('editor-2.0-1');
  for (const [index, machine] of all.entries()) {
    ago(165 - index * 14);
    if (machine !== greta && machine !== hugo) await machine.sync();
  }
  ago(30);
  await sandbox.add('firmware', '7', { reboot: 'y', autoGroups: 'standard', live: true });
  await sandbox.live('chatter-4.0-1');
  // Somebody else's folder stands where the package wants a file.
  dora?.write('opt/scanner/driver/mine', 'not yours');
  await sandbox.add('scanner', '3.3', { autoGroups: 'standard', payload: { 'opt/scanner/driver': 'x' }, live: true });
  for (const [index, machine] of [ada, bert, cleo, dora, emil, fritz, iris, jonas].entries()) {
    ago(26 - index * 3);
    await (machine === fritz && fritz !== undefined ? failing(fritz) : machine)?.sync();
  }
  await sandbox.add('editor', '2.1', { inherit: true });
  ago(2);
  await iris?.pilot(['editor-2.1-1']);
  await emil?.sync();
  const run = await sandbox.admin(async ({ depot: { store } }) => {
    const made = newRun({
      id: newRunId(clock.now()),
      origin: { kind: 'policy', id: null, name: 'announce', event: 'make-live' },
      by: 'sally',
      at: clock.now(),
      steps: [
        { kind: 'script', args: { script: 'tell-everybody' }, name: 'Tell everybody' },
        { kind: 'wait', args: { seconds: 60 } },
      ],
    });
    await store.runs.create(made);
    const told = complete(begin(made, made.createdAt).run, 'done', clock.now().toISOString()).run;
    const holding = hold(begin(told, made.createdAt).run, 'the mail server wants to be looked at').run;
    await store.runs.save({ ...holding, generation: made.generation + 1 }, made.generation);
    await store.runs.append(made.id, [{ at: made.createdAt, step: 0, text: 'told <b>everybody</b>' }]);
    // Runs of hosts belong to it, as to a deployment's.
    for (const [index, state] of (['done', 'failed', 'running'] as const).entries()) {
      const part = newRun({
        id: `${made.id}-${index}`,
        origin: { kind: 'deployment', id: null, name: `shop: <i>web-${index}</i>: role`, event: null },
        parent: made.id,
        by: 'sally',
        at: clock.now(),
        steps: [{ kind: 'wait', args: { seconds: 60 }, name: 'sync' }],
      });
      const text = state === 'failed' ? 'there is no room on <b>its disk</b>' : '';
      await store.runs.create({ ...part, state, text, cursor: state === 'done' ? 1 : 0 });
    }
    return made.id;
  });
  clock.moveTo(end);
  const secret = (name: string, role: string, computer?: string) =>
    sandbox.admin(async (session) => (await addToken({ name, role, computer, days: undefined }, session)).secret);
  return {
    sandbox,
    machines: all,
    token: await secret('vera', 'viewer'),
    technician: await secret('theo', 'technician', 'ada-mac'),
    run,
  };
}

/**
 * A depot that this many computers reported to, a minute after each other, without being there: of ten each, five have the
 * live edition 2, one fails at it, one is frozen and one has the old one; the last two have nothing, and one of them is no
 * business of it.
 * @returns the token of a viewer
 */
export async function manyMachines(sandbox: Sandbox, many: number, start?: number): Promise<string> {
  const begin = start ?? sandbox.clock.now().getTime() - many * 60_000;
  const old = (await sandbox.add('tool', '1', { live: true })).edition;
  await sandbox.admin((session) => addSmartGroup('arm', '', 'cpu is arm64', session));
  const next = (await sandbox.add('tool', '2', { autoGroups: 'arm', live: true })).edition;
  const depot = await openDepot(sandbox.depot, { clock: sandbox.clock });
  try {
    for (let index = 0; index < many; index += 1)
      await depot.store.computers.takeReport(reportOf(index, begin, old, next));
    return (await depot.store.tokens.add({ name: 'vera', role: 'viewer', computer: null, expiresAt: null }, 'sally'))
      .secret;
  } finally {
    await depot.close();
  }
}

export function numberedId(index: number): string {
  return `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
}

type Named = Pick<ReportedReceipt, 'id' | 'basename' | 'version' | 'revision' | 'edition'>;

function reportOf(index: number, start: number, old: Named, next: Named): Report {
  const at = new Date(start + index * 60_000).toISOString();
  const kind = index % 10;
  const edition = kind <= 4 ? next : old;
  const { id, basename, version, revision, edition: name } = edition;
  const receipt: ReportedReceipt = {
    id,
    basename,
    version,
    revision,
    edition: name,
    piloting: false,
    frozen: kind === 6,
    admin: 'auto-installed',
    installedAt: at,
    manual: false,
  };
  const failed = { target: 'tool', basename: 'tool', edition: next.edition, status: 'failed' as const };
  return {
    schema: 'd3/report@1',
    run: `20300101T000000Z-${String(index).padStart(8, '0')}`,
    at,
    computer: {
      id: numberedId(index),
      name: `c-${String(index).padStart(4, '0')}`,
      claims: { serial: null, hardwareUuid: null, macs: [] },
      user: null,
    },
    os: { name: 'macOS', version: '15.5' },
    cpu: kind === 9 ? 'x86_64' : 'arm64',
    d3: '1',
    command: 'sync',
    exit: kind === 5 ? 1 : 0,
    outcomes: kind === 5 ? [{ ...failed, reason: `disk ${10_000 + index} gave up` }] : [],
    receipts: kind <= 7 ? [receipt] : [],
    queue: [],
  };
}

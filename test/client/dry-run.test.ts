import { expect } from 'chai';
import fc from 'fast-check';
import type { Outcome } from '../../src/client/outcome.ts';
import type { Decision, Request } from '../../src/planner/types.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

const asked = { admin: 'sally', force: false, puppies: false, freeze: false, expiration: null };

describe('a dry run', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    await sandbox.add('tool', '1', { live: true });
  });
  afterEach(() => sandbox.remove());

  const listing = () => machine.everything();

  const REQUESTS: Request[] = [
    { kind: 'sync', force: false, puppies: false },
    { kind: 'install', targets: ['tool', 'nothing'], ...asked },
    { kind: 'install', targets: ['tool'], ...asked, force: true },
    { kind: 'pilot', targets: ['tool-2-1'], ...asked },
    { kind: 'depilot', targets: ['tool'], force: false, leaveOff: false },
    { kind: 'uninstall', targets: ['tool'], force: false },
    { kind: 'freeze', admin: 'sally', targets: ['tool'] },
    { kind: 'thaw', targets: ['tool'] },
    { kind: 'forget', targets: ['tool'] },
  ];

  it('writes nothing under the root and tells the depot nothing', async () => {
    const empty = listing();
    for (const request of REQUESTS) await machine.request(request, { dryRun: true });
    expect(listing()).to.deep.equal(empty);
    await machine.install(['tool']);
    await sandbox.add('tool', '2', { live: false });
    const reports = sandbox.reports();
    const before = listing();
    for (const request of REQUESTS) await machine.request(request, { dryRun: true });
    expect(listing()).to.deep.equal(before);
    expect(sandbox.reports()).to.deep.equal(reports);
  });

  it('fails as the run would', async () => {
    const result = await machine.install(['nothing', 'tool']);
    const rehearsed = await machine.request(
      { kind: 'install', targets: ['nothing', 'tool'], ...asked },
      { dryRun: true },
    );
    expect(result.exit).to.equal(40);
    expect(rehearsed.outcomes[0]?.problem).to.deep.equal(result.outcomes[0]?.problem);
  });
});

/** How an action that goes well ends. */
const DONE = {
  install: 'installed',
  uninstall: 'uninstalled',
  refresh: 'refreshed',
  forget: 'forgotten',
  defer: 'deferred',
  dequeue: 'dequeued',
} as const;

function foreseen({ target, edition, verdict, action, problem }: Decision) {
  return { target, edition, status: action === null ? verdict : DONE[action.kind], problem: problem?.code ?? null };
}

function happened({ target, edition, status, problem }: Outcome) {
  return { target, edition, status, problem: problem?.code ?? null };
}

describe('any dry run', function () {
  const BASENAMES = ['a', 'b', 'c'];
  const step = fc.record({
    basename: fc.constantFrom(...BASENAMES),
    live: fc.boolean(),
    removeFirst: fc.constantFrom('y', 'n'),
    removable: fc.constantFrom('y', 'y', 'n'),
    reboot: fc.constantFrom('n', 'n', 'y'),
    oses: fc.constantFrom('', '', 'plan9 4'),
    prohibitingProcesses: fc.constantFrom('', '', 'Keynote'),
    autoGroups: fc.constantFrom('standard', ''),
    request: fc.constantFrom(
      'sync',
      'sync',
      'sync -p',
      'sync -f',
      'install',
      'pilot',
      'depilot',
      'uninstall',
      'freeze',
      'thaw',
      'forget',
      'install -f',
      'install -F',
      'install -p',
      'uninstall -f',
      'depilot --leave-off',
      'dequeue',
    ),
    targets: fc.subarray(BASENAMES, { minLength: 1 }),
  });

  it('depot3:C11 foresees what the run then does: the plan is what is carried out, whatever is asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 6 }), async (steps) => {
        const now = new Date();
        const sandbox = await Sandbox.make({ now: () => now });
        try {
          const machine = sandbox.machine('mac-a', { processes: ['Keynote'] });
          for (const [index, { basename, request: what, targets, autoGroups, ...typed }] of steps.entries()) {
            const attributes = Object.fromEntries(
              Object.entries({ ...typed, autoGroups }).filter(([, to]) => to !== ''),
            );
            const payload = {
              [`opt/${basename}/run`]: `${index}`,
              [`opt/${basename}/v${index}`]: '',
              'opt/shared': 's',
            };
            const { edition } = await sandbox.add(basename, `${index}`, { payload, ...attributes });
            const request = requestFor(what, what === 'pilot' ? [edition.edition] : targets);
            const rehearsed = await machine.request(request, { dryRun: true });
            const result = await machine.request(request);
            expect(result.plan.decisions).to.deep.equal(rehearsed.plan.decisions);
            expect(result.outcomes.map(happened)).to.deep.equal(rehearsed.plan.decisions.map(foreseen));
            expect(machine.lies(shared(machine))).to.deep.equal([]);
          }
        } finally {
          sandbox.remove();
        }
      }),
      { numRuns: 16 },
    );
  });
});

/** What was forgotten is nobody's. */
function shared(machine: SandboxMachine): string[] {
  return machine.tree().flatMap((line) => (line.startsWith('opt/') ? [line.replace(/ .*/, '')] : []));
}

function requestFor(what: string, targets: string[]): Request {
  switch (what) {
    case 'sync':
      return { kind: 'sync', force: false, puppies: false };
    case 'sync -p':
    case 'sync -f':
      return { kind: 'sync', force: what === 'sync -f', puppies: what === 'sync -p' };
    case 'install -f':
    case 'install -F':
    case 'install -p': {
      const flags = { force: what === 'install -f', freeze: what === 'install -F', puppies: what === 'install -p' };
      return { kind: 'install', targets, ...asked, ...flags };
    }
    case 'install':
    case 'pilot':
      return { kind: what, targets, ...asked };
    case 'depilot':
      return { kind: 'depilot', targets, force: false, leaveOff: false };
    case 'depilot --leave-off':
      return { kind: 'depilot', targets, force: false, leaveOff: true };
    case 'uninstall':
    case 'uninstall -f':
      return { kind: 'uninstall', targets, force: what === 'uninstall -f' };
    default:
      return { kind: what as 'freeze', targets, admin: 'sally' };
  }
}

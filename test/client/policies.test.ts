import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { addGroup, changeMembers } from '../../src/admin/groups.ts';
import { deletePolicy, editPolicy, type PolicyChanges, policyMeant, testPolicy } from '../../src/admin/policies.ts';
import type { CatalogPolicy } from '../../src/catalog/types.ts';
import type { DepotClient, TrustedCatalog } from '../../src/depot/contract.ts';
import { noPlugins } from '../../src/lifecycle/plugins.ts';
import { resumeRun } from '../../src/runs/decisions.ts';
import { TestClock } from '../depot/helpers.ts';
import { problemsOf } from '../support/errors.ts';
import { depotWith } from '../support/machine.ts';
import { policiesOf, policy } from '../support/policies.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

const NOTHING = [{ kind: 'wait', args: { seconds: 0 } }];
const FAILS = [{ kind: 'assert', args: { that: { fact: 'nothing', exists: true } } }];

describe('policies on a machine', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let clock: TestClock;
  beforeEach(async () => {
    clock = new TestClock();
    sandbox = await Sandbox.make(clock);
    machine = sandbox.machine('mac-a', { provisioning: { department: 'art', building: 'A', role: 'lab' } });
  });
  afterEach(() => sandbox.remove());

  async function asked(word: string, one: SandboxMachine = machine) {
    const { runs, policies } = policiesOf(one.machine);
    try {
      return await policies.run({ word, by: 'sally', environment: {} });
    } finally {
      runs.close();
    }
  }
  const said = async (word: string, one?: SandboxMachine) =>
    (await asked(word, one)).map(({ policy: name, state }) => `${name} ${state}`);

  /** A script that writes a word into the machine. */
  const writes = (word: string): string => {
    const file = path.join(sandbox.dir, `write-${word}`);
    writeFileSync(file, `#!/bin/sh\necho ${word} >> "$1/told"\n`);
    return file;
  };

  it('several on one event run in the order of their names, whatever came of the ones before', async () => {
    for (const name of ['b', 'C', 'a'])
      await policy(sandbox, name, [{ kind: 'script', args: { script: writes(name) } }], { events: ['logout'] });
    await policy(sandbox, 'ab', FAILS, { events: ['logout', 'login'] });
    expect(await said('logout')).to.deep.equal(['a done', 'ab failed', 'b done', 'C done']);
    expect(machine.read('told').split('\n').slice(0, 3)).to.deep.equal(['a', 'b', 'C']);
  });

  it('are for the groups, departments, buildings and further facts that are said, and for nobody else', async () => {
    await machine.sync();
    const id = machine.reading((state) => state.computerId()) as string;
    await sandbox.admin((session) => addGroup('lab-macs', '', [], session));
    const fits: [string, PolicyChanges][] = [
      ['everybody', {}],
      ['art', { departments: ['art', 'it'], buildings: ['A'] }],
      ['role', { provisioning: { role: ['lab'] } }],
    ];
    const others: [string, PolicyChanges, RegExp][] = [
      ['group', { groups: ['lab-macs'] }, /none of its groups/],
      ['department', { departments: ['it'] }, /department it, and this machine's is art/],
      ['building', { departments: ['art'], buildings: ['B'] }, /building B/],
      ['unknown', { provisioning: { floor: ['1'] } }, /floor 1, and this machine's is not known/],
    ];
    for (const [name, scope] of fits) await policy(sandbox, name, NOTHING, { events: ['e'], ...scope });
    for (const [name, scope] of others) await policy(sandbox, name, NOTHING, { events: ['e'], ...scope });
    const outcomes = await asked('e');
    const ran = outcomes.filter(({ state }) => state === 'done').map(({ policy: name }) => name);
    expect(ran.toSorted()).to.deep.equal(fits.map(([name]) => name).toSorted());
    for (const [name, , why] of others) {
      const outcome = outcomes.find(({ policy: found }) => found === name);
      expect(outcome?.state, name).to.equal('out-of-scope');
      expect(outcome?.exit, 'at an event that is nothing to do').to.equal(0);
      expect(outcome?.text, name).to.match(why);
    }
    expect((await asked('group'))[0], 'asked for by name it is refused').to.include({
      state: 'out-of-scope',
      exit: 30,
    });
    await sandbox.admin((session) => changeMembers('lab-macs', { add: [id], remove: [] }, session));
    expect(await said('group')).to.deep.equal(['group done']);
    await sandbox.admin((session) => editPolicy('group', { excludedGroups: ['lab-macs'], groups: [] }, session));
    expect(await said('group')).to.deep.equal(['group out-of-scope']);
  });

  it('run once, once a day, or whenever asked; what failed does not count', async () => {
    await policy(sandbox, 'once', NOTHING, { frequency: 'once' });
    await policy(sandbox, 'daily', NOTHING, { frequency: 'daily' });
    await policy(sandbox, 'ongoing', NOTHING, {});
    await policy(sandbox, 'broken', FAILS, { frequency: 'once' });
    const round = async () => (await Promise.all(['once', 'daily', 'ongoing'].map((name) => said(name)))).flat();
    expect(await round()).to.deep.equal(['once done', 'daily done', 'ongoing done']);
    expect(await round()).to.deep.equal(['once not-due', 'daily not-due', 'ongoing done']);
    clock.moveDays(1);
    expect(await round()).to.deep.equal(['once not-due', 'daily done', 'ongoing done']);
    for (let times = 0; times < 2; times += 1) expect(await said('broken')).to.deep.equal(['broken failed']);
    await sandbox.admin((session) => editPolicy('broken', { file: { steps: NOTHING, folder: '.' } }, session));
    expect(await said('broken')).to.deep.equal(['broken done']);
    expect(await said('broken')).to.deep.equal(['broken not-due']);
    const other = sandbox.machine('mac-b');
    expect(await said('once', other), 'each computer by itself').to.deep.equal(['once done']);
  });

  it('depot3:BUG-24 are found by id, by name in any case, or by event; a number is never taken for an event', async () => {
    const { policy: made } = await policy(sandbox, 'Tell-Users', NOTHING, { events: ['queued'] });
    for (const word of [String(made.id), 'tell-users', 'Tell-Users', 'queued'])
      expect(await said(word), word).to.deep.equal(['Tell-Users done']);
    for (const word of ['4711', 'nothing', 'QUEUED', '0', '-1', '1e0']) {
      const { problems, exitCode } = await problemsOf(asked(word));
      expect(exitCode, word).to.equal(34);
      expect(problems[0]?.message).to.include(word);
    }
    for (const changes of [{ events: ['17'] }, { events: ['a,b'] }])
      expect((await problemsOf(policy(sandbox, 'x', NOTHING, changes))).exitCode).to.equal(2);
    expect((await problemsOf(policy(sandbox, '17', NOTHING))).exitCode).to.equal(2);
    const words = [policy(sandbox, 'queued', NOTHING), policy(sandbox, 'x', NOTHING, { events: ['tell-users'] })];
    for (const work of words) expect((await problemsOf(work)).problems[0]?.code).to.equal('POLICY_WORD');
  });

  it('are steps of each other: the inner run is taken up again by its name, and none runs itself', async () => {
    await policy(sandbox, 'inner', [
      { kind: 'assert', args: { that: { fact: 'installed', has: 'tool' } }, onFailure: 'hold' },
    ]);
    await policy(sandbox, 'outer', [
      { kind: 'policy', args: { policy: 'inner' } },
      { kind: 'script', args: { script: writes('after') } },
    ]);
    await sandbox.add('tool', '1', { live: true });
    const [held] = await asked('outer');
    expect([held?.state, held?.exit]).to.deep.equal(['holding', 43]);
    const { runs } = policiesOf(machine.machine);
    const inner = (await runs.store.list()).find(({ parent }) => parent === held?.run);
    expect([inner?.state, inner?.id]).to.deep.equal(['holding', `${held?.run}.1-${inner?.origin.id}`]);
    expect((await asked('outer'))[0], 'what holds is for a person').to.include({ state: 'open', exit: 43 });
    await machine.install(['tool']);
    for (const id of [inner?.id as string, held?.run as string]) {
      await resumeRun(id, 'bob', runs.deciding);
      expect((await runs.advance(id)).state).to.equal('done');
    }
    runs.close();
    expect(machine.read('told')).to.equal('after\n');

    await policy(sandbox, 'a', [{ kind: 'policy', args: { policy: 'z' } }]);
    await policy(sandbox, 'z', [{ kind: 'policy', args: { policy: 'a' } }]);
    const [circle] = await asked('a');
    expect(circle?.state).to.equal('failed');
    expect(circle?.text).to.include('would run itself');
  });

  it('what a plugin takes on, core does not', async () => {
    await policy(sandbox, 'mine', NOTHING);
    const told: string[] = [];
    const plugins = {
      ...noPlugins,
      policy: async ({ event }: { event: string }) => {
        told.push(event);
        if (event === 'mine') return null;
        return { plugin: 'jamf', answer: { handled: true as const, exit: event === 'bad' ? 1 : 0, text: 'it ran' } };
      },
    };
    const one = machine.with({ plugins });
    expect(await said('mine', one)).to.deep.equal(['mine done']);
    expect((await asked('jamf-event', one))[0]).to.include({
      state: 'handled',
      exit: 0,
      text: 'jamf took it on: it ran',
    });
    expect((await asked('bad', one))[0]).to.include({ state: 'handled', exit: 1 });
    expect(told).to.deep.equal(['mine', 'jamf-event', 'bad']);
  });

  it('package steps install, remove and sync, and say what went wrong', async () => {
    await sandbox.add('tool', '1', { live: true });
    await sandbox.add('auto', '1', { live: true, autoGroups: 'standard' });
    await policy(sandbox, 'packages', [
      { kind: 'install', args: { targets: ['tool'] } },
      { kind: 'sync', args: {} },
      { kind: 'uninstall', args: { targets: ['tool'] } },
      { kind: 'install', args: { targets: ['none'] }, retries: { times: 1, wait: 0 } },
    ]);
    const [outcome] = await asked('packages');
    expect([outcome?.state, outcome?.exit]).to.deep.equal(['failed', 34]);
    expect(machine.receipts().map(({ basename }) => basename)).to.deep.equal(['auto']);
    const { runs } = policiesOf(machine.machine);
    const run = await runs.store.get(outcome?.run as string);
    expect(run?.steps.map(({ state, attempts }) => [state, attempts])).to.deep.equal([
      ['done', 1],
      ['done', 1],
      ['done', 1],
      ['failed', 2],
    ]);
  });

  it('services are acted on through their port, and asked after a cut', async () => {
    await policy(sandbox, 'web', [{ kind: 'service', args: { name: 'nginx.service', action: 'restart' } }]);
    const acts: string[] = [];
    const services = {
      isActive: async () => null,
      act: async (name: string, action: string) => void acts.push(`${action} ${name}`),
    };
    const { runs, policies } = policiesOf(machine.machine, { services });
    const [outcome] = await policies.run({ word: 'web', by: 'sally', environment: {} });
    runs.close();
    expect([outcome?.state, acts]).to.deep.equal(['done', ['restart nginx.service']]);
  });

  it('without the depot those seen last are run; without any there is an error', async () => {
    await policy(sandbox, 'kept', NOTHING);
    expect(await said('kept')).to.deep.equal(['kept done']);
    const away: Partial<DepotClient> = {
      refresh: async () => {
        const { D3Error } = await import('@d3/sdk');
        throw new D3Error('DEPOT_UNREACHABLE', 'depotUnreachable', 'The depot is away.');
      },
    };
    expect(await said('kept', machine.with({ depot: depotWith(machine.machine, away) }))).to.deep.equal(['kept done']);
    const fresh = sandbox.machine('mac-b');
    const none = fresh.with({ depot: depotWith(fresh.machine, away) });
    expect((await problemsOf(asked('kept', none))).exitCode).to.equal(20);
    expect((await problemsOf(asked('kept', machine.with({ depot: null })))).exitCode).to.equal(2);
  });

  it('a policy in the catalog that is none, or of a newer d3, is refused by its name and nothing of it runs', async () => {
    await policy(sandbox, 'x', [{ kind: 'script', args: { script: writes('ran') } }]);
    const forged = (change: (policy: CatalogPolicy) => unknown): SandboxMachine => {
      const refresh = async (): Promise<TrustedCatalog> => {
        const trusted = await (machine.machine.depot as DepotClient).refresh();
        const [there] = trusted.catalog.policies as [CatalogPolicy];
        return { ...trusted, catalog: { ...trusted.catalog, policies: [change(there) as CatalogPolicy] } };
      };
      return machine.with({ depot: depotWith(machine.machine, { refresh }) });
    };
    const newer = await problemsOf(
      asked(
        'x',
        forged((one) => ({ ...one, schema: 'd3/policy@2' })),
      ),
    );
    expect(newer.problems[0]?.code).to.equal('SCHEMA_NEWER');
    expect(newer.problems[0]?.message).to.include('d3/policy@2');
    const bad: [(policy: CatalogPolicy) => unknown, number][] = [
      [(one) => ({ ...one, steps: [] }), 33],
      [(one) => ({ ...one, more: true }), 33],
      [(one) => ({ ...one, frequency: 'hourly' }), 33],
      [(one) => ({ ...one, steps: [{ kind: 'puppet', args: {} }] }), 34],
      [(one) => ({ ...one, steps: [{ kind: 'script', args: { script: '/bin/sh' } }] }), 2],
    ];
    for (const [change, exit] of bad) {
      const [outcome] = await asked('x', forged(change));
      expect([outcome?.state, outcome?.exit]).to.deep.equal(['refused', exit]);
      expect(outcome?.problem?.actions).to.have.length.greaterThan(0);
    }
    const [altered] = await asked(
      'x',
      forged((one) => {
        const [step] = one.steps as unknown as [{ args: { script: object } }];
        const script = { ...step.args.script, sha256: 'f'.repeat(64) };
        return { ...one, steps: [{ ...step, args: { ...step.args, script } }] };
      }),
    );
    expect([altered?.state, altered?.exit]).to.deep.equal(['failed', 34]);
    expect(machine.exists('told')).to.equal(false);
  });

  it('what an admin gets wrong is refused, all of it at once, and leaves nothing behind', async () => {
    const blobs = () => sandbox.admin((session) => session.depot.blobs.list());
    const before = await blobs();
    const steps = [
      { kind: 'script', args: { script: writes('x') } },
      { kind: 'script', args: { script: 'none-such' } },
      { kind: 'puppet', args: {} },
    ];
    const { problems, exitCode } = await problemsOf(
      policy(sandbox, 'bad', steps, { groups: ['nobody'], frequency: 'hourly' }),
    );
    expect(exitCode).to.equal(2);
    expect(problems.map(({ code }) => code).toSorted()).to.deep.equal([
      'GROUP_NOT_FOUND',
      'POLICY_INVALID',
      'SCRIPT_NOT_FOUND',
      'STEP_KIND',
    ]);
    for (const { actions } of problems) expect(actions.length).to.be.greaterThan(0);
    expect(await blobs()).to.deep.equal(before);
    for (const broken of [[], ['x'], [null], [{ kind: 'script', args: 5 }], [{ kind: 'script' }], 'x'])
      expect((await problemsOf(policy(sandbox, 'bad', broken as unknown[]))).exitCode, JSON.stringify(broken)).to.equal(
        2,
      );
    expect(await sandbox.admin((session) => session.depot.store.documents('policy').list())).to.deep.equal([]);
  });

  it('pins its scripts by their content; those nobody names any more go', async () => {
    const { policy: made, warnings } = await policy(sandbox, 'p', [
      { kind: 'script', args: { script: writes('first') } },
      { kind: 'install', args: { targets: ['not-yet'] } },
      { kind: 'policy', args: { policy: 'later' } },
    ]);
    expect(warnings.join()).to.include('not-yet').and.to.include('later');
    writeFileSync(writes('first'), '#!/bin/sh\necho second >> "$1/told"\n');
    await sandbox.admin((session) =>
      editPolicy('p', { file: { steps: made.body.steps.slice(0, 1), folder: '.' } }, session),
    );
    expect(await said('p')).to.deep.equal(['p done']);
    expect(machine.read('told')).to.equal('first\n');
    await sandbox.admin(async (session) => {
      expect((await problemsOf(testPolicy('p', 'mac-z', session))).problems[0]?.code).to.equal('COMPUTER_NOT_FOUND');
      await deletePolicy(await policyMeant('p', session), session);
      expect((await problemsOf(policyMeant('p', session))).exitCode).to.equal(34);
    });
  });
});

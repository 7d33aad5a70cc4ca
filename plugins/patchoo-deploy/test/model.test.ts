import { expect } from 'chai';
import * as fc from 'fast-check';
import { advance } from '../src/advance.ts';
import { begin } from '../src/begin.ts';
import { cancel, releaseAsItIs, retry } from '../src/decide.ts';
import type { Mode } from '../src/memory.ts';
import type { Parts } from '../src/parts.ts';
import { factsOf } from '../src/status.ts';
import { type Beginning, CALM, Killed, World } from './support/world.ts';

/** The run of a deployment, over a machine and a time that are not real, cut at every moment it waits. */

const request = { mode: 'deploy' as Mode, by: 'sally', enrolment: 'new' as const, again: false };

/** Goes on, process after process, until it is over or a person has to come. @param lives moments each process lives */
async function live(world: World, lives: readonly number[] = [], mode: Mode = 'deploy'): Promise<void> {
  const left = [...lives];
  const inTurn = async (work: (parts: Parts) => Promise<unknown>) => {
    try {
      await work(world.process(left.shift() ?? null));
      return true;
    } catch (error) {
      if (error instanceof Killed) return false;
      throw error;
    } finally {
      expect(world.locks && !world.armed, 'locked with nothing at work').to.equal(false);
    }
  };
  while (!(await inTurn((parts) => begin({ ...request, mode }, parts)))) continue;
  for (let turns = 0; turns < 500; turns += 1) {
    const { state } = await world.status();
    if (state === 'failed-held' || (['released', 'cancelled'].includes(state) && !world.armed)) return;
    expect(world.armed, `armed while ${state}`).to.equal(true);
    if (state === 'restarting') world.restart();
    await inTurn((parts) => advance(parts, { stays: true, by: 'sally' }));
  }
  throw new Error('it went on for ever');
}

const DAY = 86_400_000;

const worked = (world: World) => world.happened.filter((word) => !/fails$|restart/.test(word));

describe('the run of a deployment', () => {
  it('patchoo:DR-01 patchoo:DR-04 patchoo:DR-05 patchoo:DR-11 patchoo:UL-02 deploys in order, is patched, told of and released', async () => {
    const world = new World({ packages: [{ name: 'lamp', restart: false, never: false }] });
    await live(world);
    expect(world.happened).to.deep.equal(['install lamp', 'deploy', 'deploy-studio', 'update']);
    expect([(await world.status()).state, world.armed, world.name]).to.deep.equal(['released', false, 'studio-7']);
    expect(world.memory.released()?.values).to.deep.equal({ build: 'studio', department: 'art' });
    expect(world.told).to.deep.equal(['deployed', 'released']);
  });

  it('patchoo:G1 patchoo:HP-03 patchoo:HP-08 unattended, incomplete, assigned: told once that it holds and once that it does no more', async () => {
    const world = new World({ assigned: 300, settings: { afterSetup: 'always' } });
    await live(world);
    expect(world.told).to.deep.equal(['holding', 'deploying', 'deployed', 'released']);
    const turns = world.stood.filter((state, at) => state !== world.stood[at - 1]);
    expect(turns, 'and so is whoever else hears of it').to.deep.equal(['holding', 'deploying', 'deployed', 'released']);
    expect(world.happened).to.deep.equal(['restart', 'deploy', 'deploy-studio', 'update']);
    const { run } = world.memory.deployment() ?? { run: '' };
    const lines = (await world.runs.lines(run)).map(({ text }) => text);
    expect(
      lines.filter((text) => /waits: it waits for somebody to say its Build/.test(text)).length,
      'said once',
    ).to.equal(1);
    expect(world.at, 'three looks of about two minutes').to.be.within(
      Date.UTC(2030, 0, 1) + 300_000,
      Date.UTC(2030, 0, 1) + 420_000,
    );
  });

  it('patchoo:BS-09 patchoo:HP-09 patchoo:D-16 a depot that does not answer is waited for, and is no incomplete record', async () => {
    const world = new World({ silent: 100 });
    await live(world);
    expect(world.told).to.deep.equal(['deployed', 'released']);
    expect((await world.status()).state).to.equal('released');
    const waited = (world.at - Date.UTC(2030, 0, 1)) / 1000;
    expect(waited, '2 + 4 + 8 + 16 + 32 + 60').to.equal(122);
  });

  it('a clock months behind is said, set before the depot is asked for anything, and it goes on after', async () => {
    const world = new World({ clock: { off: -90 * DAY, settable: 40 }, silent: 0 });
    await live(world);
    expect((await world.status()).state).to.equal('released');
    expect(world.happened[0]).to.equal('the clock is set');
    const { run, warnings } = world.memory.deployment() ?? { run: '', warnings: [] };
    const said = (await world.runs.lines(run)).map(({ text }) => text);
    expect(said.find((text) => /set it by hand/.test(text))).to.match(
      /the clock says 2029-10-03T.*the depot's host 2030-01-01T.*about 90 days behind; it was not set \(no time server answers\): set it by hand/,
    );
    expect(warnings.join(), 'it stays on record').to.match(/about 90 days behind; its time service set it/);
  });

  it('a clock that says a time before d3 was built waits for whoever sets it, and never gives up', async () => {
    const world = new World({
      clock: { off: -9000 * DAY, settable: 4000 },
      built: '2029-12-01T00:00:00.000Z',
      silent: 9000,
    });
    await live(world);
    expect((await world.status()).state).to.equal('released');
    const { run } = world.memory.deployment() ?? { run: '' };
    const said = (await world.runs.lines(run)).map(({ text }) => text).join();
    expect(said).to.match(/this d3 was built at 2029-12-01T00:00:00.000Z: it is at least 8969 days behind/);
    expect(world.at - Date.UTC(2030, 0, 1), 'not before it could be set').to.be.at.least(4_000_000);
  });

  it('what a host says of the time stops nothing for ever: it may be the one that is wrong', async () => {
    const world = new World({ clock: { off: 3 * DAY, settable: null } });
    await live(world);
    const { warnings } = world.memory.deployment() ?? { warnings: [] };
    expect([(await world.status()).state, warnings.length]).to.deep.equal(['released', 1]);
    expect(warnings[0]).to.match(/about 3 days ahead; no time server answers/);
  });

  it('patchoo:DS-26 nothing is begun, and nothing restarted, while the system is updated', async () => {
    const world = new World({ updating: 900, settings: { afterSetup: 'always' } });
    await live(world);
    expect(world.happened).to.deep.equal(['restart', 'deploy', 'deploy-studio', 'update']);
    expect(world.restarted - Date.UTC(2030, 0, 1)).to.be.at.least(900_000);
    const { run } = world.memory.deployment() ?? { run: '' };
    const said = (await world.runs.lines(run)).map(({ text }) => text).join();
    expect(said).to.match(/the system is being updated for 14 min: its updater is at work/);
  });

  it('patchoo:DR-14 another installer is waited for, as long as that may take and no longer', async () => {
    const patient = new World({ installing: 600 });
    await live(patient);
    expect((await patient.status()).state).to.equal('released');
    expect(patient.at - Date.UTC(2030, 0, 1)).to.be.at.least(600_000);
    const hangs = new World({ installing: 1e6, settings: { busyMinutes: 10 } });
    await live(hangs);
    const { state, text } = await hangs.status();
    expect([state, text]).to.deep.equal([
      'failed-held',
      'nothing updates the system failed: an installer is at work for more than 10 min: end it, then try again',
    ]);
    expect(hangs.at - Date.UTC(2030, 0, 1)).to.be.at.most(660_000);
  });

  it('a long sync of somebody else’s is waited for wherever the depot is told: it holds no machine as a failure', async () => {
    for (const reports of [0, 1, 2, 3]) {
      const world = new World({ assigned: 130 });
      world.free = reports;
      world.busy = 3;
      await live(world);
      expect([(await world.status()).state, world.busy], `${reports} were told before`).to.deep.equal(['released', 0]);
      // That it holds no more is told by the sync that follows.
      const told = world.told.filter((state) => state !== 'deploying');
      expect(told).to.deep.equal(['holding', 'deployed', 'released']);
    }
  });

  it('patchoo:G8 an update-only run deploys nothing', async () => {
    const world = new World({ assigned: null });
    await live(world, [], 'update-only');
    expect(world.happened).to.deep.equal(['update']);
  });

  it('patchoo:G9 patchoo:D-18 an endless updater holds with what is pending, or is released with a warning', async () => {
    const packages = [{ name: 'bad', restart: false, never: true }];
    const held = new World({ packages });
    await live(held);
    const status = await held.status();
    expect([status.state, status.exit, held.armed]).to.deep.equal(['failed-held', 44, true]);
    expect(status.text).to.match(/install bad-1-1/);
    const released = new World({ packages, settings: { updateStuck: 'release' } });
    await live(released);
    const { state, warnings } = await released.status();
    expect(state).to.equal('released');
    expect(warnings.join()).to.match(/it is released, although nothing came off the list/);
  });

  it('patchoo:DR-12 patchoo:UL-06 restarts where something needs it, asks again for one that did not come, and repeats nothing', async () => {
    const world = new World({
      ignored: 2,
      settings: { checkIn: 'no' },
      packages: [{ name: 'kernel', restart: true, never: false }],
      policies: { ...CALM.policies, deploy: { fails: 0, restart: true } },
    });
    await live(world);
    expect(worked(world)).to.deep.equal(['deploy', 'deploy-studio', 'install kernel', 'update']);
    expect(world.happened.filter((word) => word === 'restart').length).to.equal(4);
  });

  const failing = (options: string) =>
    new World({
      settings: { extraEvents: [`printers; retries=1; ${options}`] },
      policies: { ...CALM.policies, printers: { fails: 3, restart: false } },
    });

  it('patchoo:DR-08 what fails holds, goes on or releases, as it is set; only what is not required is in the way of nothing', async () => {
    const held = failing('onFailure=hold');
    await live(held);
    expect([(await held.status()).state, held.happened.at(-1), held.armed]).to.deep.equal([
      'failed-held',
      'printers fails',
      true,
    ]);
    await retry(held.process(null), 'bob');
    await live(held);
    expect(held.happened.filter((word) => word === 'printers fails').length).to.equal(3);
    expect((await held.status()).state).to.equal('released');

    const optional = failing('required=no');
    await live(optional);
    expect([(await optional.status()).state, optional.memory.deployment()?.override]).to.deep.equal(['released', null]);

    const inTheWay = failing('onFailure=continue');
    await live(inTheWay);
    expect((await inTheWay.status()).state).to.equal('failed-held');
    expect(inTheWay.happened.at(-1), 'all the rest was done').to.equal('update');
    await releaseAsItIs(inTheWay.process(null), { by: 'bob', why: 'it has no printer' });
    await live(inTheWay);
    const { state, override, warnings } = await inTheWay.status();
    expect([state, override?.by, override?.why]).to.deep.equal(['released', 'bob', 'it has no printer']);
    expect(warnings.join()).to.match(/released by bob, although printers/);

    const let_go = failing('onFailure=release');
    await live(let_go);
    expect([(await let_go.status()).state, let_go.happened.includes('update')]).to.deep.equal(['released', false]);
  });

  it('patchoo:HP-12 a hold that lasts too long is told once more, and stays or releases', async () => {
    const stays = new World({ assigned: 30 * 3600, settings: { holdMaxHours: 24, holdPollSeconds: 200 } });
    await live(stays);
    expect(stays.told.slice(0, 3)).to.deep.equal(['holding', 'holding', 'deploying']);
    const releases = new World({
      assigned: null,
      settings: { holdMaxHours: 24, holdOnMax: 'release', holdPollSeconds: 200 },
    });
    await live(releases);
    const { state, override } = await releases.status();
    expect([state, override?.by, releases.happened]).to.deep.equal(['released', 'provision.holdOnMax', []]);
  });

  it('patchoo:DR-13 what the machine was when it was taken stays so, whatever its record says later', async () => {
    const world = new World({ policies: { ...CALM.policies, deploy: { fails: 1, restart: false } } });
    await live(world, [60]);
    const { values } = world.memory.deployment()?.snapshot ?? { values: {} };
    expect(values).to.deep.equal({ build: 'studio', department: 'art' });
  });

  const told = (world: World) => world.sent.map(({ event }) => event);
  const FILE = '/etc/d3.webhook';

  it('patchoo:HP-05 patchoo:HP-08 patchoo:D-31 the webhook hears of a hold and of its end at once, each one time', async () => {
    const world = new World({ assigned: 300, settings: { webhookFile: FILE } });
    await live(world);
    expect(told(world)).to.deep.equal(['hold-began', 'hold-ended', 'released']);
    const { run } = world.memory.deployment() ?? { run: '' };
    expect(world.sent[0]).to.deep.include({
      schema: 'd3/provision-notice@1',
      id: `${run}-1`,
      run,
      serial: 'C02A',
      name: 'mac-a',
      state: 'holding',
      missing: ['Build'],
    });
    expect(world.sent[1]?.values).to.deep.equal({ build: 'studio', department: 'art' });
    expect(JSON.stringify([...world.values]), 'the address is kept nowhere').not.to.include('SECRET');
    expect([...world.files.values()].join()).not.to.include('SECRET');
  });

  it('patchoo:HP-12 the webhook is told once more of a hold that lasts too long, and who released it', async () => {
    const settings = { holdMaxHours: 24, holdPollSeconds: 200, webhookFile: FILE } as const;
    const stays = new World({ assigned: 30 * 3600, settings });
    await live(stays);
    expect(told(stays)).to.deep.equal(['hold-began', 'hold-overdue', 'hold-ended', 'released']);
    const releases = new World({ assigned: null, settings: { ...settings, holdOnMax: 'release' } });
    await live(releases);
    expect(told(releases)).to.deep.equal(['hold-began', 'hold-ended', 'released']);
    expect(releases.sent.at(-1)?.by).to.equal('provision.holdOnMax');
  });

  it('patchoo:HP-05 a webhook that is down stops nothing: what it missed comes later, in order; what it refuses is not sent again', async () => {
    const world = new World({ assigned: 300, settings: { webhookFile: FILE } });
    let asked = 0;
    world.webhook = () => {
      asked += 1;
      return asked <= 2
        ? { kind: 'failed', why: 'its host refused the connection' }
        : { kind: 'answered', status: 200 };
    };
    await live(world);
    expect(told(world)).to.deep.equal(['hold-began', 'hold-ended', 'released']);

    const never = new World({ assigned: 300, settings: { webhookFile: FILE } });
    never.webhook = () => ({ kind: 'answered', status: 503 });
    await live(never);
    const { state, warnings, history } = await never.status();
    expect([state, history.map(({ notice }) => notice)]).to.deep.equal(['released', Array(3).fill('given-up')]);
    expect(warnings.join()).to.match(/the webhook could not be told: hooks.example.org answers 503/);

    const refuses = new World({ assigned: 300, settings: { webhookFile: FILE } });
    let sent = 0;
    refuses.webhook = () => {
      sent += 1;
      return { kind: 'answered', status: 404 };
    };
    await live(refuses);
    expect([(await refuses.status()).state, sent]).to.deep.equal(['released', 3]);
  });

  it('patchoo:SO-10 a failure that holds is told for each time the step failed, an end with who decided it', async () => {
    const world = new World({
      settings: { webhookFile: FILE, extraEvents: ['printers; retries=0'] },
      policies: { ...CALM.policies, printers: { fails: 5, restart: false } },
    });
    await live(world);
    expect(told(world)).to.deep.equal(['failure-held']);
    expect(world.sent[0]?.reason).to.match(/printers/);
    // Whoever only looks at it again tells nobody anything.
    const failures = world.sent.length;
    await world.status();
    expect(world.sent.length).to.equal(failures);
    await retry(world.process(null), 'bob');
    await live(world);
    expect(told(world)).to.deep.equal(['failure-held', 'failure-held']);
    await cancel(world.process(null), { by: 'bob', why: 'it goes back to the shop' });
    expect(world.sent.at(-1)).to.deep.include({
      event: 'cancelled',
      by: 'bob',
      reason: 'it goes back to the shop',
    });
  });

  it('patchoo:HP-05 patchoo:SO-10 cut at every moment, the webhook hears of everything in order, and of nothing twice but by the same id', async function () {
    this.timeout(240_000);
    const beginning: Partial<Beginning> = { assigned: 130, settings: { webhookFile: FILE, update: 'no' } };
    const calm = new World(beginning);
    await live(calm);
    expect(told(calm)).to.deep.equal(['hold-began', 'hold-ended', 'released']);
    for (let life = 1; life <= calm.moments; life += 1) {
      const world = new World(beginning);
      world.cutAt = life;
      await live(world);
      const once = world.sent.filter(({ id }, at) => world.sent.findIndex((other) => other.id === id) === at);
      expect(
        once.map(({ event }) => event),
        `cut at ${life}`,
      ).to.deep.equal(told(calm));
      expect(world.sent.length - once.length, `at most once more, cut at ${life}`).to.be.at.most(1);
    }
  });

  it('patchoo:DR-15 what is kept of a deployment says what ran, how long, what failed, and who decided what', async () => {
    const world = new World({
      settings: { extraEvents: ['printers; retries=0; onFailure=continue'] },
      policies: { ...CALM.policies, printers: { fails: 9, restart: false } },
    });
    await live(world);
    await releaseAsItIs(world.process(null), { by: 'bob', why: 'it has no printer' });
    await live(world);
    const report = JSON.parse(world.files.get('last-deployment.json') ?? 'null');
    expect(report).to.deep.include({ schema: 'd3/provision-report@1', state: 'released', by: 'sally', serial: 'C02A' });
    expect(report.override).to.deep.include({ by: 'bob', why: 'it has no printer' });
    const steps = new Map(report.steps.map((step: { name: string }) => [step.name, step]));
    expect(steps.get('printers')).to.deep.include({ state: 'failed', attempts: 1 });
    expect(steps.get('deploy')).to.deep.include({ state: 'done', attempts: 1 });
    for (const { startedAt, endedAt, seconds } of report.steps)
      expect(seconds).to.equal(Math.round((Date.parse(endedAt) - Date.parse(startedAt)) / 1000));
    expect(report.seconds).to.equal(Math.round((Date.parse(report.endedAt) - Date.parse(report.startedAt)) / 1000));
    expect(report.warnings.join()).to.match(/released by bob, although printers/);
    expect(factsOf(await world.status())).to.deep.include({
      failed: 'printers',
      override: 'bob: it has no printer',
      warnings: String(report.warnings.length),
    });
  });

  it('patchoo:BS-23 patchoo:G6 cut once at every moment, it ends as if it never had been', async function () {
    this.timeout(240_000);
    const beginning: Partial<Beginning> = {
      assigned: 130,
      silent: 5,
      settings: { afterDeploy: 'always' },
      packages: [
        { name: 'lamp', restart: false, never: false },
        { name: 'kernel', restart: true, never: false },
      ],
      policies: { ...CALM.policies, update: { fails: 0, restart: true } },
    };
    const calm = new World(beginning);
    await live(calm);
    expect((await calm.status()).state).to.equal('released');
    const moments = calm.moments;
    expect(moments).to.be.greaterThan(150);
    for (let life = 1; life <= moments; life += 1) {
      const world = new World(beginning);
      world.cutAt = life;
      await live(world);
      expect([(await world.status()).state, world.armed], `cut at ${life}`).to.deep.equal(['released', false]);
      expect(worked(world), `cut at ${life}`).to.deep.equal(worked(calm));
      expect([...world.laid], `laid down, cut at ${life}`).to.deep.equal([]);
      const run = await world.runs.get(world.memory.deployment()?.run ?? '');
      expect(run?.state, `its run, cut at ${life}`).to.equal('done');
      expect(world.happened.at(-1), `the last of it, cut at ${life}`).to.equal('update');
    }
  });

  it('patchoo:SQ-09 in every world, cut as often as there is time for: it ends, armed until then, and never by itself over a required failure', async function () {
    this.timeout(240_000);
    const policy = fc.record({ fails: fc.nat(4), restart: fc.boolean() });
    const world = fc.record({
      settings: fc.record({
        checkIn: fc.constantFrom('yes' as const, 'no' as const),
        afterSetup: fc.constantFrom('auto' as const, 'always' as const),
        afterDeploy: fc.constantFrom('auto' as const, 'always' as const),
        update: fc.constantFrom('yes' as const, 'no' as const),
        updateStuck: fc.constantFrom('hold' as const, 'release' as const),
        deployEvent: fc.constantFrom(
          'deploy',
          'deploy; retries=1',
          'deploy; onFailure=continue',
          'deploy; required=no',
          'deploy; onFailure=release; retries=0',
        ),
      }),
      silent: fc.nat(200),
      assigned: fc.nat(500),
      policies: fc.record({ deploy: policy, 'deploy-studio': policy, update: policy }),
      packages: fc.uniqueArray(
        fc.record({ name: fc.constantFrom('a', 'b', 'c'), restart: fc.boolean(), never: fc.boolean() }),
        { selector: ({ name }) => name, maxLength: 3 },
      ),
      ignored: fc.nat(2),
    });
    await fc.assert(
      fc.asyncProperty(
        world,
        fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 12 }),
        async (beginning, lives) => {
          const one = new World(beginning);
          await live(one, lives);
          const { state, override } = await one.status();
          const { run } = one.memory.deployment() ?? { run: '' };
          const steps = (await one.runs.get(run))?.steps ?? [];
          const failed = steps.filter(({ state: how, step }) => how === 'failed' && step.required !== false);
          if (state === 'released') {
            const settled = failed.every(
              ({ step }) => (step.args as { onFailure?: string })['onFailure'] === 'release',
            );
            expect(override !== null || settled).to.equal(true);
            expect(one.armed).to.equal(false);
          } else {
            expect(state).to.equal('failed-held');
            expect(failed.length).to.be.greaterThan(0);
            expect(one.armed).to.equal(true);
            await cancel(one.process(null), { by: 'bob', why: 'enough' });
            expect([(await one.status()).state, one.armed]).to.deep.equal(['cancelled', false]);
          }
          for (const [word, { fails }] of Object.entries(beginning.policies))
            expect(one.happened.filter((what) => what === `${word} fails`).length).to.be.at.most(fails);
          if (beginning.settings.update === 'no')
            for (const word of ['deploy', 'deploy-studio'])
              expect(one.happened.filter((what) => what === word).length, word).to.be.at.most(1);
        },
      ),
      { numRuns: 150 },
    );
  });
});

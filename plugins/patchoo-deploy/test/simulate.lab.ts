import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../../../test/cli/spawn.ts';
import { SIMULATED_PATHS } from '../src/simulated-paths.ts';

interface Line {
  kind: 'told' | 'command' | 'said';
  text: string;
}

const DEPLOYED = ['for-art', 'on-deploy', 'on-deploy-studio', 'on-update'];
const LAID = ['./etc/systemd/system/d3-provision-lock.service', './etc/systemd/system/d3-provision.service'];

/** Each way a machine comes to be deployed, as a newcomer sees it: a served depot, enrolment, real commands, each a process. */
describe('d3 provision simulate', function () {
  this.timeout(280_000);
  let cache: string;
  beforeEach(() => {
    cache = mkdtempSync(path.join(os.tmpdir(), 'd3-test-'));
  });
  afterEach(() => rmSync(cache, { recursive: true, force: true }));

  const tried = new Set<string>();
  async function shown(way: string): Promise<Line[]> {
    tried.add(way);
    const words = ['provision', 'simulate', ...(way === 'walk' ? [] : ['--path', way]), '--json'];
    const env = { XDG_CACHE_HOME: cache, D3_ROOT: '/nonexistent' };
    const { code, stdout, stderr } = await d3(words, { env });
    expect(code, stdout + stderr).to.equal(0);
    const left = readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('run-'));
    expect(left, 'nothing is left behind').to.deep.equal([]);
    return JSON.parse(stdout).result;
  }

  /** The commands, without what is another one each time. */
  const commands = (lines: readonly Line[]) =>
    lines.flatMap(({ kind, text }) => (kind === 'command' ? [text.replace(/^d3 (provision )?| http:.*/g, '')] : []));
  const texts = (lines: readonly Line[]) => lines.map(({ text }) => text);
  const policies = (lines: readonly Line[]) =>
    texts(lines).flatMap((text) => (/ was here, for a /.test(text) ? [text.split(' ')[0]] : []));
  /** How it stands after each run. */
  const states = (lines: readonly Line[]) =>
    texts(lines).flatMap((text) => /^(restarting|holding|released|idle)\b/.exec(text)?.[1] ?? []);
  const laid = (lines: readonly Line[]) => texts(lines).filter((text) => text.startsWith('./'));
  const run = 'run --no-wait';

  const ASKED = ['enroll', 'prompt --answers answers', 'setup', run, run, run];
  const HELD = ['setup', run, run, 'hold list'];

  /** Both restarts, the policies of its department and its build and no others, its release, and nothing laid down any more. */
  function endsDeployed(lines: readonly Line[]): void {
    for (const step of ['restart after setup', 'restart after deployment'])
      expect(texts(lines).filter((text) => text.includes(`${step}: done (the machine was restarted)`))).to.have.length(
        1,
      );
    expect(policies(lines)).to.deep.equal(DEPLOYED);
    expect([states(lines).at(-1), laid(lines)]).to.deep.equal(['released', LAID]);
  }

  function heldAndAssigned(lines: readonly Line[], serial: string): void {
    endsDeployed(lines);
    expect(states(lines)).to.deep.equal(['restarting', 'restarting', 'holding', 'restarting', 'released']);
    expect(commands(lines)).to.include(`assign ${serial} --build studio --department art`);
    expect(
      texts(lines).filter((text) => new RegExp(`^${serial} .* holding .* Build, Department`).test(text)),
    ).to.have.length(1);
  }

  it('patchoo:IN-14 patchoo:SO-07 shows one that is asked, then one that holds and is assigned, each with both restarts', async () => {
    const lines = await shown('walk');
    const second = lines.findIndex(({ text }) => text.startsWith('Another one'));
    const [asked, held] = [lines.slice(0, second), lines.slice(second)];
    expect(commands(asked)).to.deep.equal(ASKED);
    expect(states(asked)).to.deep.equal(['restarting', 'restarting', 'restarting', 'released']);
    endsDeployed(asked);
    expect(commands(held)).to.deep.equal([
      'enroll',
      ...HELD,
      'assign C02HOLD --build studio --department art',
      run,
      run,
    ]);
    heldAndAssigned(held, 'C02HOLD');
  });

  it('patchoo:EN-01 out of the box: its user is asked, it restarts, and is deployed', async () => {
    const lines = await shown('out-of-the-box');
    expect(commands(lines)).to.deep.equal(ASKED);
    expect(texts(lines).join('\n')).to.match(/C02USER: written \(name Studio 7, department art, Build studio\)/);
    endsDeployed(lines);
  });

  for (const [way, row] of [
    ['user', 'its user'],
    ['admin', 'an admin who sits there'],
  ] as const) {
    it(`patchoo:EN-03 enrolled by ${row}: asked, and deployed`, async () => {
      const lines = await shown(way);
      expect(commands(lines)).to.deep.equal(ASKED);
      endsDeployed(lines);
    });
  }

  for (const [way, row, title] of [
    ['setup-assistant', 'EN-02', 'in Setup Assistant, before there is an account'],
    ['remote', 'EN-03', 'from elsewhere, with nobody logged in'],
    ['imaging', 'EN-04', 'by an image of its disk'],
    ['network-scan', 'EN-05', 'by a scan of the network'],
    ['auto-advance', 'EN-08', 'by Auto Advance, at its login window'],
  ] as const) {
    it(`patchoo:${row} patchoo:DS-07 enrolled ${title}: nobody is asked, it holds until it is assigned, and is deployed`, async () => {
      const lines = await shown(way);
      expect(commands(lines).slice(0, 2)).to.deep.equal(['enroll', 'prompt']);
      expect(texts(lines).join('\n')).to.match(/unasked; terminal: nobody watches a terminal/);
      heldAndAssigned(lines, 'C02AUTO');
    });
  }

  it('patchoo:EN-06 patchoo:DS-09 where nobody is asked, a machine that was assigned is deployed, and another one holds', async () => {
    const lines = await shown('prompt-off');
    const second = lines.findIndex(({ text }) => text.startsWith('Of this one nobody'));
    const [assigned, held] = [lines.slice(0, second), lines.slice(second)];
    expect(texts(assigned).join('\n')).to.match(/provision.prompt is never/);
    expect(states(assigned)).to.deep.equal(['restarting', 'restarting', 'holding', 'restarting', 'released']);
    expect(policies(assigned)).to.deep.equal(['on-deploy', 'on-deploy-office', 'on-update']);
    heldAndAssigned(held, 'C02HOLD');
  });

  it('patchoo:EN-07 patchoo:AP-23 patchoo:DR-02 erased and enrolled again it is deployed by its record: no question, no hold, the same result', async () => {
    const lines = await shown('re-deploy');
    const second = lines.findIndex(({ text }) => text.startsWith('Its disk is erased'));
    const [before, again] = [lines.slice(0, second), lines.slice(second)];
    endsDeployed(before);
    expect(commands(again)).to.deep.equal(['enroll', 'setup', run, run, run]);
    endsDeployed(again);
    const became = (part: readonly Line[]) => texts(part).filter((text) => /^\d+\/\d+: .*: done/.test(text));
    expect(became(again)).to.deep.equal(became(before));
  });

  it('patchoo:EN-09 patchoo:DS-27 patchoo:G10 a renewal and another enrolment without an erase start nothing', async () => {
    const lines = await shown('renewal');
    const renewed = lines.slice(lines.findIndex(({ text }) => text.startsWith('Its management is renewed')));
    expect(commands(renewed)).to.deep.equal(['setup --enrolment renewal', 'setup', 'status']);
    expect(texts(renewed).filter((text) => /This machine is not deployed now/.test(text))).to.have.length(2);
    expect([laid(renewed), states(renewed)]).to.deep.equal([[], ['released']]);
  });

  it('patchoo:EN-09 patchoo:DS-27 a machine with data that is migrated is not locked and not deployed, unless somebody wants it', async () => {
    const lines = await shown('migration');
    const wanted = lines.findIndex(({ text }) => text.startsWith('Unless'));
    expect(laid(lines.slice(0, wanted))).to.deep.equal([]);
    expect(states(lines.slice(0, wanted))).to.deep.equal(['idle']);
    expect(laid(lines.slice(wanted))).to.deep.equal(LAID);
  });

  it('patchoo:G8 patchoo:BS-06 an existing machine that is only patched is deployed nothing', async () => {
    const lines = await shown('update-only');
    expect(policies(lines)).to.deep.equal(['on-update']);
    expect(states(lines)).to.deep.equal(['restarting', 'restarting', 'released']);
  });

  it('patchoo:G6 goes on after a power cut in the middle of the event, at the same event', async () => {
    const lines = await shown('power-cut');
    endsDeployed(lines);
    const after = texts(lines).slice(texts(lines).findIndex((text) => text.startsWith('POWER CUT')));
    expect(after.find((text) => /^\d+\/\d+: deploy: /.test(text))).to.match(
      /: deploy: done \(for-art: done; on-deploy: done; z-slow: done\)$/,
    );
    expect(after.filter((text) => text.startsWith('slow'))).to.deep.equal([
      'slow begins',
      'slow begins again',
      'slow is over',
    ]);
  });

  after(() => expect([...tried].toSorted(), 'each of them was looked at').to.deep.equal(SIMULATED_PATHS.toSorted()));
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { powerOf } from '../../src/platform/power.ts';
import type { ProgramCall, RunProgram } from '../../src/platform/program.ts';
import { type ServiceAction, servicesOf } from '../../src/platform/services.ts';
import { problemsOf } from '../support/errors.ts';

const ANSWER = {
  code: 0,
  signal: null,
  timedOut: false,
  stdout: '',
  stderr: '',
  cut: false,
  lastLines: [] as string[],
};

describe('power and services of a machine', () => {
  let calls: string[];
  beforeEach(() => {
    calls = [];
  });

  const answering =
    (answer: Partial<typeof ANSWER> = {}): RunProgram =>
    async ({ program, args }: ProgramCall) => {
      calls.push([program, ...args].join(' '));
      return { ...ANSWER, ...answer };
    };
  const power = (platform: NodeJS.Platform, answer?: Partial<typeof ANSWER>) =>
    powerOf({ root: '/', facts: null, platform, run: answering(answer) });

  it('is restarted by the system itself; one that will not says why', async () => {
    expect(await power('linux').restart()).to.equal(true);
    expect(await power('darwin').restart()).to.equal(true);
    expect(calls).to.deep.equal(['/usr/bin/systemctl reboot', '/sbin/shutdown -r now']);
    const refused = power('linux', { code: 1, lastLines: ['Operation inhibited by sally'] });
    const { problems } = await problemsOf(refused.restart());
    expect(problems[0]?.message).to.include('Operation inhibited by sally');
  });

  it('tells one start from the next', async () => {
    expect(await power('darwin', { stdout: 'A1B2\n' }).bootId()).to.equal('A1B2');
    expect(await power('darwin', { code: 1 }).bootId()).to.equal(null);
    if (process.platform === 'linux') expect(await power('linux').bootId()).to.match(/^[0-9a-f-]{36}$/);
  });

  it('a root folder is never restarted, and its facts.json says when it counts as started anew', async () => {
    const root = mkdtempSync(path.join(os.tmpdir(), 'd3-power-'));
    try {
      const facts = path.join(root, 'facts.json');
      const folder = powerOf({ root, facts, platform: 'linux', run: answering() });
      expect([await folder.bootId(), await folder.restart()]).to.deep.equal([null, false]);
      writeFileSync(facts, '{"boot": "second"}');
      expect(await folder.bootId()).to.equal('second');
      writeFileSync(facts, '{"boot": 2}');
      expect((await problemsOf(folder.bootId())).exitCode).to.equal(2);
      expect(calls).to.deep.equal([]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it('services are asked and acted on by systemd and launchd, and not in a folder', async () => {
    const actions: ServiceAction[] = ['start', 'stop', 'restart', 'enable', 'disable'];
    for (const action of actions) {
      await servicesOf('/', 'linux', answering()).act('web', action);
      await servicesOf('/', 'darwin', answering()).act('org.web', action);
    }
    expect(calls).to.deep.equal([
      '/usr/bin/systemctl start -- web',
      '/bin/launchctl kickstart system/org.web',
      '/usr/bin/systemctl stop -- web',
      '/bin/launchctl kill SIGTERM system/org.web',
      '/usr/bin/systemctl restart -- web',
      '/bin/launchctl kickstart -k system/org.web',
      '/usr/bin/systemctl enable -- web',
      '/bin/launchctl enable system/org.web',
      '/usr/bin/systemctl disable -- web',
      '/bin/launchctl disable system/org.web',
    ]);
    expect(await servicesOf('/', 'linux', answering({ code: 3 })).isActive('web')).to.equal(false);
    expect(await servicesOf('/', 'linux', answering()).isActive('web')).to.equal(true);
    const running = { stdout: 'org.web = {\n\tstate = running\n}\n' };
    expect(await servicesOf('/', 'darwin', answering(running)).isActive('org.web')).to.equal(true);
    expect(await servicesOf('/', 'darwin', answering()).isActive('org.web')).to.equal(false);
    const failed = await problemsOf(
      servicesOf('/', 'linux', answering({ code: 5, lastLines: ['Unit web.service not found.'] })).act('web', 'start'),
    );
    expect(failed.problems[0]).to.include({ code: 'SERVICE_ACTION', target: 'web' });
    expect(failed.problems[0]?.message).to.include('Unit web.service not found.');
    expect((await problemsOf(servicesOf('/mnt/a', 'linux', answering()).act('web', 'start'))).exitCode).to.equal(30);
  });
});

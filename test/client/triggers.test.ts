import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { installTrigger as puppytime, type TriggerWork } from '../../plugins/puppytime/src/triggers.ts';
import { installTrigger, removeTrigger, triggerState } from '../../src/client/triggers.ts';
import { machinePaths } from '../../src/platform/paths.ts';
import type { ProgramCall } from '../../src/platform/program.ts';
import { problemsOf } from '../support/errors.ts';

const ANSWER = { code: 0, signal: null, timedOut: false, stdout: '', stderr: '', cut: false, lastLines: [] };

describe('what plugins have d3 started by', () => {
  let root: string;
  let calls: ProgramCall[];
  beforeEach(() => {
    root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-test-')));
    calls = [];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const parts = (platform: NodeJS.Platform) => ({
    root,
    paths: machinePaths(root, platform),
    platform,
    plugin: 'x',
    run: async (call: ProgramCall) => {
      calls.push(call);
      return ANSWER;
    },
  });
  const work = (platform: NodeJS.Platform): TriggerWork => ({
    platform,
    dryRun: false,
    triggers: {
      program: async () => '/opt/d 3/d3',
      install: (trigger, options) => installTrigger(trigger, parts(platform), options),
      remove: (trigger, options) => removeTrigger(trigger, parts(platform), options),
      state: (trigger) => triggerState(trigger, parts(platform)),
    },
  });

  it('depot3:I05 is an agent of the login window and a daemon for the deadline on a Mac', async () => {
    const { files, installed, active } = await puppytime('login-window', work('darwin'));
    expect([installed, active, calls]).to.deep.equal([true, null, []]);
    expect(files.map((file) => path.relative(root, file))).to.deep.equal([
      'Library/LaunchAgents/org.d3.puppytime.plist',
      'Library/LaunchDaemons/org.d3.puppytime.deadline.plist',
    ]);
    const [agent = '', daemon = ''] = files.map((file) => readFileSync(file, 'utf8'));
    expect(agent).to.match(/^<\?xml[^\n]*\n<!-- Written by d3 for x -->\n<!DOCTYPE/);
    expect(agent).to.include('<key>LimitLoadToSessionType</key><string>LoginWindow</string>');
    expect(agent).to.include('<array><string>/opt/d 3/d3</string><string>puppytime</string><string>run</string>');
    expect(daemon).to.include('<key>StartCalendarInterval</key><dict><key>Hour</key><integer>12</integer>');
  });

  it('goes just as it came, and only what is d3’s', async () => {
    const files = [{ name: 'd3-x.service', text: '[Unit]\n' }];
    const units = [{ name: 'd3-x.service', now: false }];
    const { files: laid } = await installTrigger({ files, units }, parts('linux'), { dryRun: false });
    expect((await triggerState({ files, units }, parts('linux'))).installed).to.equal(true);
    await removeTrigger({ files, units }, parts('linux'), { dryRun: false });
    expect([laid.map(existsSync), (await triggerState({ files, units }, parts('linux'))).installed]).to.deep.equal([
      [false],
      false,
    ]);
  });

  it('has names of d3’s own, and no folders in them', async () => {
    for (const name of ['x.service', '../d3-x.service', 'd3-x/y.service', 'org.d3.x.sh', 'd3-.conf']) {
      const made = installTrigger({ files: [{ name, text: '' }] }, parts('linux'), { dryRun: false });
      expect((await problemsOf(made)).exitCode, name).to.equal(10);
    }
  });
});

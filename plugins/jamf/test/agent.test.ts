import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3, d3Program, run } from '../../../test/cli/spawn.ts';
import { Sandbox, type SandboxMachine } from '../../../test/support/sandbox.ts';
import { judge } from '../src/agent/said.ts';

/** What jamf printed, and what is made of it. */
const CORPUS: readonly [string, number | null, string, string?][] = [
  [
    'Checking for policies triggered by "deploy" for user "sally"...\nExecuting Policy Office 16.87\nInstalling Office...\nSuccessfully installed Office.',
    0,
    'ran',
    'Office 16.87',
  ],
  ['Executing Policy One...\nExecuting Policy Two', 0, 'ran', 'One, Two'],
  ['No policies were found for the "deploy" trigger.', 0, 'absent'],
  ['No policies were found for the ID 12.', 0, 'absent'],
  ['Checking for policies triggered by "deploy"...\nNo policies were found for the "deploy" trigger.', 0, 'absent'],
  ['This policy trigger is already being run: deploy', 0, 'not-run', 'already'],
  ['This policy is already running.', 1, 'not-run', 'already'],
  ['The command must be run as root.', 1, 'not-run', 'root'],
  ['Device Signature Error - A valid device signature is required to perform the action.', 1, 'not-run', 'signature'],
  [
    'There was an error.\n\n     Connection failure: "The host example.jamfcloud.com is not accessible."',
    1,
    'not-run',
    'answer',
  ],
  ['Could not connect to the JSS. Looking for cached policies...', 0, 'not-run', 'answer'],
  ["Couldn't connect to server", 1, 'not-run', 'answer'],
  ['The JSS is not available.', 1, 'not-run', 'answer'],
  ['unknown host: example.jamfcloud.com', 1, 'not-run', 'not found'],
  ['There was an error: the server certificate is not trusted', 1, 'not-run'],
  ['This computer is not in the scope of the policy.', 0, 'not-run', 'not for this Mac'],
  ['The policy "x" is disabled.', 0, 'not-run', 'disabled'],
  ['Policy has already been executed once on this computer.', 0, 'not-run', 'as often'],
  ['Error: The verb policy is unknown', 1, 'not-run', 'verb'],
  ['User deferred policy', 0, 'not-run', 'put it off'],
  ['', 0, 'not-run', 'did not say'],
  ['Something entirely new happened.', 0, 'not-run', 'entirely new'],
  ['Executing Policy One\nScript exit code: 1\nScript result: boom', 0, 'failed', 'script'],
  ['Executing Policy One\nScript exit code: 0\nScript result: fine', 0, 'ran'],
  ['Executing Policy One\nError running script: return code was 64.', 1, 'failed', 'script'],
  [
    'Executing Policy One\nInstallation failed. The installer reported: installer: The install failed.',
    0,
    'failed',
    'installer',
  ],
  ['Executing Policy One\nCould not mount the distribution point', 0, 'failed', 'package'],
  ['Executing Policy One\nPolicy error code: 51', 0, 'failed', 'counts it'],
  ['Executing Policy One', 1, 'failed', 'ended with 1'],
  ['Executing Policy One', null, 'failed', 'before it was done'],
  ['Checking for policies triggered by "deploy"...', null, 'not-run', 'before it had begun'],
];

describe('what jamf prints', () => {
  for (const [text, code, state, words = ''] of CORPUS) {
    it(`${JSON.stringify(text.slice(-60))} (${code}): ${state}`, () => {
      const verdict = judge('the event deploy', { code, timedOut: code === null, text });
      expect(verdict.state).to.equal(state);
      expect(verdict.text)
        .to.match(/^the event deploy: /)
        .and.to.contain(words);
    });
  }
});

/** Jamf's program is a shell script in the root here: what a real one does is known by what it prints alone. */
describe('Jamf on a machine', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let program: string;
  let calls: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    program = path.join(machine.root, 'usr/local/jamf/bin/jamf');
    calls = path.join(sandbox.dir, 'calls');
    mkdirSync(path.dirname(program), { recursive: true });
  });
  afterEach(() => sandbox.remove());

  /** @param body of the script, after what it was asked was written down */
  function jamf(body: string, verbs = 'policy recon'): void {
    const help = verbs.split(' ').map((verb) => `printf '\\t%s\\t does it\\n' ${verb}`);
    writeFileSync(
      program,
      `#!/bin/sh\nprintf '%s\\n' "$*" >>${calls}\nif [ "$1" = help ]; then echo 'Usage: jamf verb'; ${help.join('; ')}; exit 0; fi\n${body}\n`,
    );
    chmodSync(program, 0o755);
  }
  const called = () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []);
  const env = () => ({ D3_ROOT: machine.root, D3_DEPOT: sandbox.depot, USER: 'sally' });
  const start = (...line: string[]) => d3([...line, '--json'], { cwd: sandbox.dir, env: env() });

  it('runs a policy by its event or its id before d3 looks for one of its own', async () => {
    jamf('echo "Executing Policy Greet"');
    const byEvent = await start('policy', 'greet');
    expect(byEvent.code, byEvent.stdout).to.equal(0);
    expect(byEvent.stdout).to.contain('Greet');
    expect((await start('policy', '12')).code).to.equal(0);
    expect(called()).to.deep.equal(['help', 'policy -event greet', 'policy -id 12']);
  });

  it('that has no such policy leaves it to d3; one that did not run it says so first', async () => {
    jamf('echo "No policies were found for the \\"$3\\" trigger."');
    const absent = await start('policy', 'greet');
    expect(absent.code).to.equal(34);
    expect(JSON.parse(absent.stdout).warnings).to.deep.equal([]);
    jamf('echo "Could not connect to the JSS."; exit 1');
    const silent = await start('policy', 'greet');
    expect(silent.code).to.equal(34);
    expect(silent.stdout).to.contain('does not answer');
  });

  it('that fails in a policy has run it: nobody else does', async () => {
    jamf('echo "Executing Policy Greet"; echo "Script exit code: 3"');
    const { code, stdout } = await start('policy', 'greet');
    expect(code).to.equal(1);
    expect(stdout).to.contain('a script of it failed');
  });

  it('is asked for no verb that it does not say it knows, and once for each version of it', async () => {
    jamf('echo "Executing Policy Greet"', 'recon');
    const { code, stdout } = await start('policy', 'greet');
    expect(code).to.equal(34);
    expect(stdout).to.contain('does not say that it knows policy');
    expect(called()).to.deep.equal(['help']);
  });

  it('that others could change is not run', async () => {
    jamf('echo "Executing Policy Greet"');
    chmodSync(program, 0o777);
    const { stdout } = await start('policy', 'greet');
    expect(stdout).to.contain('others may write');
    expect(called()).to.deep.equal([]);
  });

  it('takes what looks like an argument for no event', async () => {
    jamf('echo "Executing Policy Greet"');
    const { code } = await start('policy', '--', '-id');
    expect(code).not.to.equal(0);
    expect(called().filter((line) => line.startsWith('policy'))).to.deep.equal([]);
  });

  it('takes inventory after a sync that changed something, and after no other', async () => {
    jamf('echo "Gathering application usage information..."');
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    const first = await start('sync');
    expect(first.code, first.stdout).to.equal(0);
    expect(called()).to.deep.equal(['help', 'recon']);
    expect((await start('sync')).code).to.equal(0);
    expect(called()).to.deep.equal(['help', 'recon']);
  });

  it('that fails to take inventory is a warning of the sync, not its failure', async () => {
    jamf('echo "Device Signature Error"; exit 1');
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    const { code, stdout } = await start('sync');
    expect(code).to.equal(0);
    expect(stdout).to.contain('no new inventory').and.to.contain('Device Signature Error');
  });

  it('takes none inside of a policy, and none where the setting says never', async () => {
    jamf('true');
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    // What started d3 is called as Jamf's program is.
    const parent = path.join(sandbox.dir, 'jamf');
    copyFileSync('/bin/sh', parent);
    chmodSync(parent, 0o755);
    const quoted = [...d3Program, 'sync'].map((word) => `'${word}'`).join(' ');
    const within = await run(parent, ['-c', `${quoted}; :`], { cwd: sandbox.dir, env: env() });
    expect(within.code, within.stderr).to.equal(0);
    expect(within.stderr).to.contain('a policy runs');
    expect(called()).to.deep.equal([]);
    const config = path.join(machine.root, 'etc');
    mkdirSync(config, { recursive: true });
    writeFileSync(path.join(config, 'd3.json'), JSON.stringify({ jamf: { inventory: 'never' } }));
    await sandbox.add('other', '1', { live: true, autoGroups: 'standard' });
    expect((await start('sync')).code).to.equal(0);
    expect(called()).to.deep.equal([]);
  });

  it('depot3:E04 has installers run by d3 itself: Jamf’s own verb for it is never used', async () => {
    jamf('true', 'policy recon install runScript uninstall');
    await sandbox.add('tool', '1', { live: true, removable: 'y' });
    expect((await start('install', 'tool')).code).to.equal(0);
    expect((await start('uninstall', 'tool')).code).to.equal(0);
    expect(called()).to.deep.equal([]);
  });

  describe('as a kind of step', () => {
    async function policy(name: string, step: object) {
      const file = path.join(sandbox.dir, 'policy.json');
      writeFileSync(file, JSON.stringify({ steps: [{ kind: 'jamf-event', args: step }] }));
      return start('admin', 'policy', 'add', name, '--file', file);
    }

    it('is done only when jamf said that it ran something', async () => {
      jamf(
        '[ "$3" = deploy ] && echo "Executing Policy Deploy" || echo "No policies were found for the \\"$3\\" trigger."',
      );
      expect((await policy('build', { event: 'deploy' })).code).to.equal(0);
      const done = await start('policy', 'build');
      expect(done.code, done.stdout).to.equal(0);
      expect(called()).to.deep.equal(['help', 'policy -event build', 'policy -event deploy']);
    });

    it('fails where there is no such policy, unless it says that this is well', async () => {
      jamf('echo "No policies were found for the \\"$3\\" trigger."');
      expect((await policy('strict', { event: 'absent' })).code).to.equal(0);
      expect((await start('policy', 'strict')).code).to.equal(1);
      expect((await policy('well', { event: 'absent', ifNoPolicy: 'done' })).code).to.equal(0);
      expect((await start('policy', 'well')).code).to.equal(0);
    });

    it('is refused with args that mean nothing', async () => {
      expect((await policy('wrong', { event: '-id', id: 3 })).code).to.equal(2);
    });
  });
});

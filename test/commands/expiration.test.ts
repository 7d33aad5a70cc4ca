import { rmSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../cli/spawn.ts';
import { writeUsageOf } from '../support/expiration.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

const APP = '/opt/tool/version';
const DAY = 86_400_000;

/** keep, usage and ea usage, and what explain says, as the processes they are. */
describe('the commands of expiration', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a', { processes: ['d3RepoMan'] });
    machine.write('etc/d3.json', JSON.stringify({ expiration: { allowed: 'yes' } }));
    await sandbox.add('tool', '1', { live: true, expiration: '30', expirationPaths: APP });
    await sandbox.add('plain', '1', { live: true });
    await machine.install(['tool', 'plain']);
  });
  afterEach(() => sandbox.remove());

  const run = (line: string[]) =>
    d3(line, { env: { D3_DEPOT: sandbox.depot, D3_ROOT: machine.root, USER: 'sally' }, cwd: sandbox.dir });
  async function ok(line: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(line);
    expect(code, `${line.join(' ')}: ${stderr}`).to.equal(0);
    return stdout;
  }
  const used = (days: number) => {
    const at = new Date();
    const lastUsed = { [APP]: new Date(at.getTime() - days * DAY) };
    writeUsageOf('calvin', machine.root, { lastUsed, since: new Date(at.getTime() - 400 * DAY), at });
  };

  it('depot3:H11 usage shows who can expire, as a table and as JSON', async () => {
    used(0.5);
    const text = await ok(['usage']);
    expect(text.split('\n')[0]).to.match(/^Basename +Edition +Last used +Unused +May be +What becomes of it$/);
    expect(text).to.match(/^tool +tool-1-1 .* 30 days +kept: not used since it was installed 0 days ago/m);
    expect(text).to.not.include('plain');
    const { result, exit } = JSON.parse(await ok(['usage', '--json']));
    expect(exit).to.equal(0);
    expect(result).to.have.length(1);
    expect(result[0]).to.include({ basename: 'tool', expiration: 30, daysUnused: 0, running: false, verdict: 'keep' });
    expect(new Date(result[0].lastUsed).getTime()).to.be.below(Date.now());
  });

  it('depot3:H11 depot3:BUG-20 ea usage answers with one element, without a folder too', async () => {
    const element = async () => {
      const [, json = ''] = /^<result>([^<>&]*)<\/result>\n$/.exec(await ok(['ea', 'usage'])) ?? [];
      return JSON.parse(json);
    };
    expect((await element()).tool).to.include({ last_usage: null, days_unused: null, expires: 'keep' });
    const file = writeUsageOf('calvin', machine.root, { at: new Date() });
    rmSync(file);
    const empty = await element();
    expect(empty).to.include({ _schema: 'd3/ea-usage@1' });
    expect(empty.tool.reason).to.include('nobody has recorded any yet');
    used(3);
    expect((await element()).tool.last_usage).to.match(/^\d{4}-/);
    const failed = await d3(['ea', 'usage'], { env: { D3_ROOT: path.join(sandbox.dir, 'nowhere') } });
    expect(failed.stdout).to.match(/^<result>ERROR: .*<\/result>\n$/);
    expect(failed.code).to.not.equal(0);
  });

  it('keep keeps for days or for good, takes it back, and says what is not installed', async () => {
    used(0.5);
    expect(await ok(['keep', 'tool', 'plain'])).to.equal('tool is kept\nplain is kept\n');
    expect(await ok(['explain', 'tool'])).to.include('it is kept as asked for with "d3 keep"');
    expect(await ok(['keep', 'tool', '--days', '5'])).to.match(/^tool is kept until \d{4}-\d\d-\d\d\n$/);
    expect(await ok(['usage'])).to.include('kept: it is kept until');
    const { result } = JSON.parse(await ok(['keep', 'tool', '--days', '0', '--json']));
    expect(result).to.deep.equal([{ basename: 'tool', until: null, kept: false }]);
    expect(await ok(['usage'])).to.not.include('it is kept');
    const unknown = await run(['keep', 'tool', 'none-such']);
    expect(unknown.code).to.equal(34);
    expect(unknown.stderr).to.match(/none-such is not installed here[\s\S]*d3 list-installed/);
    expect(await ok(['usage']), 'all or none').to.not.include('it is kept');
    for (const days of ['-1', 'x']) expect((await run(['keep', 'tool', '--days', days])).code).to.equal(2);
    expect((await run(['keep'])).code).to.equal(2);
  });

  it('explain says why it is kept, and what the switch is', async () => {
    expect(await ok(['explain', 'tool'])).to.include('there is no folder');
    machine.write('etc/d3.json', '{}');
    expect(await ok(['explain', 'tool'])).to.include('expiration is not allowed on this machine');
    expect(await ok(['explain', 'plain'])).to.not.include('expire now');
  });

  it('a sync says nothing of what is kept', async () => {
    used(0.5);
    const { stdout, stderr, code } = await run(['sync']);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(stdout).to.not.include('expire');
  });
});

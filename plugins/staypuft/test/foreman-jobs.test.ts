import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { until } from '../../../test/support/waiting.ts';
import { remoteByJobs } from '../src/foreman/by-jobs.ts';
import { installJobTemplate, JOB_TEMPLATE, jobTemplateText } from '../src/foreman/job-template.ts';
import { jobCarrier } from '../src/foreman/jobs.ts';
import { goesByJobs, refuseSecretsInJobs } from '../src/foreman/transport.ts';
import { type HostWork, type SshRemote, workOver } from '../src/ssh/remote.ts';
import type { Target } from '../src/ssh-port.ts';
import { waited } from '../src/waited.ts';
import { ForemanSite } from './support/foreman-site.ts';

const NEVER = new AbortController().signal;
const soon = (_: number, signal: AbortSignal): Promise<void> => waited(50, signal);

describe('hosts by jobs of Foreman', function () {
  this.timeout(60_000);
  let site: ForemanSite;
  let dir: string;
  let target: Target;
  beforeEach(async () => {
    site = await ForemanSite.open();
    dir = mkdtempSync(path.join(tmpdir(), 'd3-by-jobs-'));
    const { id } = site.foreman.registered('db1.example.org');
    target = { ...(await site.host('db1.example.org', 'registered', id)), proxy: null };
  });
  afterEach(async () => {
    await site.close();
    rmSync(dir, { recursive: true, force: true });
  });

  function work(followed = 30): HostWork {
    const carrier = jobCarrier({ foreman: site.client(), looks: [50] });
    return workOver(carrier, { stepsFolder: path.join(dir, 'steps'), followed, wait: soon });
  }

  async function installed(): Promise<void> {
    const client = site.client();
    await installJobTemplate(client);
    client.close();
  }

  async function failure(of: Promise<unknown>): Promise<D3Error> {
    const error = await of.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error, String(error)).to.be.instanceOf(D3Error);
    return error as D3Error;
  }

  it('staypuft:F-08 the job template is put there once, in the place of an older one', async () => {
    const client = site.client();
    expect(await installJobTemplate(client)).to.equal(true);
    expect(await installJobTemplate(client)).to.equal(false);
    const [template] = site.foreman.jobs.templates;
    expect(template?.name).to.equal(JOB_TEMPLATE);
    (template as { template: string }).template = '# d3 job template 0\n';
    expect(await installJobTemplate(client)).to.equal(true);
    expect(site.foreman.jobs.templates).to.have.length(1);
    expect(await jobTemplateText()).to.contain(template?.template);
    client.close();
  });

  it('staypuft:F-08 without it nothing is sent, and it is said how it is put there', async () => {
    const error = await failure(work().look(target, 'true', { signal: NEVER }));
    expect([error.code, error.exit]).to.deep.equal(['FOREMAN_NO_JOB_TEMPLATE', 'notFound']);
    expect(error.actions.join()).to.contain('d3 foreman job-template --install');
    expect(site.foreman.made(/POST .*job_invocations/)).to.deep.equal([]);
  });

  it('staypuft:F-08 a look has its exit code and its output, whatever is in it', async () => {
    await installed();
    const end = await work().look(target, 'cat; echo wrong >&2; exit 3', { signal: NEVER, input: "it's \\ this\n" });
    expect(end).to.deep.equal({ code: 3, timedOut: false, output: "it's \\ this\nwrong\n" });
    expect(await work().bootId(target, NEVER)).to.match(/^[0-9a-f-]{36}$/);
    const [job] = site.foreman.jobs.invocations;
    expect(job?.asked).to.include({ targeting_type: 'static_query', search_query: 'name = "db1.example.org"' });
  });

  it('staypuft:F-08 work tells its lines, each once, over as many jobs as it takes, and is found again', async () => {
    await installed();
    const lines: string[] = [];
    const script =
      'echo once >> count; for i in 1 2 3 4; do printf "part "; sleep 0.5; echo "line $i $GIVEN"; done; exit 5';
    const asked = { id: 'work-1', script: `cd ${dir}\n${script}`, timeout: 60, environment: { GIVEN: "it's" } };
    const end = await work(1).work(target, { ...asked, onLine: (line) => lines.push(line) }, NEVER);
    const expected = [1, 2, 3, 4].map((n) => `part line ${n} it's`);
    expect(lines).to.deep.equal(expected);
    expect(end).to.deep.equal({ code: 5, timedOut: false, output: `${expected.join('\n')}\n` });
    expect(site.foreman.jobs.invocations.length).to.be.greaterThan(1);
    expect(await work().find(target, 'work-1', NEVER)).to.deep.equal(end);
    expect(readFileSync(path.join(dir, 'count'), 'utf8')).to.equal('once\n');
    await work().forget(target, 'work-1');
    expect(await work().find(target, 'work-1', NEVER)).to.equal(null);
  });

  it('staypuft:F-08 staypuft:E-05 whoever goes leaves the work to itself and its job is cancelled; the next one finds the work', async () => {
    await installed();
    const cut = new AbortController();
    const script = `echo begun >> ${dir}/count; while [ ! -e ${dir}/go ]; do sleep 0.1; done; echo over`;
    const asked = { id: 'work-2', script, timeout: 60 };
    const first = work().work(target, asked, cut.signal);
    await until('it works', () => existsSync(path.join(dir, 'count')), 20_000);
    cut.abort(new Error('cut'));
    expect(await first.catch((error: Error) => error.message)).to.equal('cut');
    expect(site.foreman.made(/POST .*\/cancel$/)).to.have.length(1);
    expect(await work().find(target, 'work-2', NEVER)).to.equal('running');
    writeFileSync(path.join(dir, 'go'), '');
    expect(await work().work(target, asked, NEVER)).to.deep.equal({ code: 0, timedOut: false, output: 'over\n' });
    expect(readFileSync(path.join(dir, 'count'), 'utf8')).to.equal('begun\n');
  });

  it('staypuft:F-08 staypuft:E-07 work is ended on its host by another job', async () => {
    await installed();
    const asked = { id: 'work-3', script: `echo $$ > ${dir}/pid; sleep 600`, timeout: 600 };
    const running = work().work(target, asked, NEVER);
    await until('it works', () => existsSync(path.join(dir, 'pid')), 20_000);
    await work().end(target, 'work-3', 'nothing-of-this-id');
    expect(await running).to.deep.equal({ code: null, timedOut: false, output: '' });
    expect(existsSync(`/proc/${readFileSync(path.join(dir, 'pid'), 'utf8').trim()}`)).to.equal(false);
  });

  it('staypuft:F-08 a host that no smart proxy reaches is out of reach, and named', async () => {
    await installed();
    site.foreman.jobs.unreachable = true;
    const error = await failure(work().look(target, 'true', { signal: NEVER }));
    expect([error.code, error.target]).to.deep.equal(['SSH_UNREACHABLE', 'db1.example.org']);
    expect(await work().bootId(target, NEVER)).to.equal(null);
  });

  it('staypuft:F-08 a job of which nobody knows whether it was made is made again, and the work runs once', async () => {
    await installed();
    site.foreman.trouble(/POST .*job_invocations$/, { kind: 'cut-after' }, { kind: 'answer-after', status: 504 });
    const asked = { id: 'work-4', script: `echo once >> ${dir}/count`, timeout: 60 };
    expect((await work().work(target, asked, NEVER)).code).to.equal(0);
    expect(readFileSync(path.join(dir, 'count'), 'utf8')).to.equal('once\n');
  });

  it('staypuft:F-08 hosts that Foreman knows are reached by jobs where that is set, all others over SSH', async () => {
    await installed();
    const reached: string[] = [];
    const over = async ({ name }: Target) => {
      reached.push(name);
      return { code: 7, timedOut: false, output: '' };
    };
    const ssh = { look: over, close: async () => undefined } as unknown as SshRemote;
    const remote = await remoteByJobs(ssh, { ...site.settings, 'deployment.transport': 'foreman' });
    const stranger: Target = { ...target, name: 'other', host: { ...target.host, foreman: null } };
    expect((await remote.look(stranger, 'exit 3', { signal: NEVER })).code).to.equal(7);
    expect((await remote.look(target, 'exit 3', { signal: NEVER })).code).to.equal(3);
    expect(reached).to.deep.equal(['other']);
  });

  it('staypuft:F-08 a secret is never put into a job, and what was not sent is said', () => {
    const settings = { 'deployment.transport': 'foreman' };
    expect(goesByJobs({}, target.host)).to.equal(false);
    expect(goesByJobs(settings, { foreman: null })).to.equal(false);
    expect(goesByJobs(settings, target.host)).to.equal(true);
    const parameter = { name: 'password', type: 'secret', default: null, required: false, description: '' } as const;
    expect(() => refuseSecretsInJobs([{ parameter, value: null, from: 'default' }], 'db1')).not.to.throw();
    expect(() => refuseSecretsInJobs([{ parameter, value: 'file:/x', from: 'host' }], 'db1')).to.throw(
      D3Error,
      'the secret password could be read: nothing was sent',
    );
  });
});

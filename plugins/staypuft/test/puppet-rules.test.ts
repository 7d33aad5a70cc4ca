import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { type PuppetReport, type ReportedResource, reportOfSent, reportOfText } from '../src/puppet/report.ts';
import { AGENT_RESOURCES, isAnotherRound, judge, wantedAgent } from '../src/puppet/rules.ts';
import { endOf, Said } from '../src/puppet/said.ts';
import { FILTER, puppetScript } from '../src/puppet/script.ts';
import { RECORDED, recorded, recordedCode } from './support/stand-in-puppet.ts';

const ALL = { environment: null, only: null, before: [] };
const AGENT = { ...ALL, only: AGENT_RESOURCES };

const reports = () =>
  readdirSync(RECORDED)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.replace('.yaml', ''));

function read(name: string): PuppetReport {
  const report = reportOfText(recorded(name));
  if (report === null) throw new Error(`${name} is no report`);
  return report;
}

function texts(name: string, expectation: Parameters<typeof judge>[2] = ALL): string[] {
  return judge(recordedCode(name), read(name), expectation).problems.map(({ text }) => text);
}

describe('what a run of Puppet did', () => {
  it('recorded runs are read: their transaction, environment, version and resources', () => {
    expect(reports().length).to.be.greaterThan(8);
    for (const name of reports()) {
      const report = read(name);
      expect(report.transaction, name).to.match(/^[0-9a-f-]{36}$/);
      expect(report.version).to.match(/^7\./);
    }
    const ids = reports().map((name) => read(name).transaction);
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it('staypuft:P-11 staypuft:D-17 of recorded runs those are good that ended with 0 or 2 and nothing of which failed', () => {
    for (const name of ['changed', 'unchanged', 'agent-changed', 'agent-unchanged'])
      expect(texts(name), name).to.deep.equal([]);
    expect(texts('resource-failed')).to.deep.equal([
      "Exec[/bin/false] failed: change from 'notrun' to ['0'] failed: '/bin/false' returned 1 instead of one of [0]",
      'File[/tmp/rec/y] was skipped because of something that failed',
    ]);
    expect(texts('restart-failed').join()).to.include('Service[d3fake] failed to restart');
    expect(texts('noop')).to.deep.equal(['it only said what it would do (noop)']);
    expect(texts('agent-catalog-failed').join()).to.include('it applied no catalog').and.to.include('nosuchclass');
  });

  it('staypuft:P-11 cached catalogs, other environments and catalogs that were cut do not count', () => {
    const report = read('changed');
    const said = (more: Partial<PuppetReport>, expectation = {}) =>
      judge(2, { ...report, ...more }, { ...ALL, ...expectation }).problems.map(({ kind, text }) => `${kind}: ${text}`);
    expect(said({ cached: 'on_failure' })).to.deep.equal(['run: it applied a cached catalog (on_failure)']);
    expect(said({ completed: false })).to.deep.equal(['run: it did not go through the whole catalog']);
    expect(said({}, { environment: 'discovery' })).to.deep.equal([
      'run: it applied environment production, not discovery',
    ]);
    expect(said({}, { environment: 'production' })).to.deep.equal([]);
    expect(said({}, { before: [report.transaction] }).join()).to.include('that of an earlier run');
  });

  it('an exit code and a report that say different things are no success', () => {
    expect(judge(0, read('changed'), ALL).problems).to.have.length(1);
    expect(judge(4, read('changed'), ALL).problems).to.have.length(1);
    expect(judge(6, read('unchanged'), ALL).problems).to.have.length(1);
    expect(judge(1, read('unchanged'), ALL).problems).to.have.length(1);
    expect(judge(2, { ...read('changed'), status: 'failed' }, ALL).problems).to.have.length(1);
  });

  it('staypuft:D-04 no time decides anything: a report from an hour ago or ahead is judged the same', () => {
    for (const name of reports()) {
      for (const year of ['2001', '2099']) {
        const moved = recorded(name).replaceAll(/(?<=time: ')\d{4}/g, year);
        expect(moved).to.not.equal(recorded(name));
        expect(reportOfText(moved), name).to.deep.equal(read(name));
      }
    }
  });

  it('staypuft:P-09 staypuft:P-10 staypuft:A-16 staypuft:A-17 only the agent may change where it is put off and on', () => {
    expect(texts('agent-off', AGENT)).to.deep.equal([]);
    expect(texts('agent-on', AGENT)).to.deep.equal([]);
    expect(texts('agent-off-already', AGENT)).to.deep.equal([]);
    expect(texts('agent-on-and-more', AGENT)).to.deep.equal([
      'File[/tmp/rec/motd] changed, and nothing but Service[puppet], Service[puppet-run.timer], Cron[puppet] may',
    ]);
  });

  it('staypuft:P-13 the report says what the catalog wants of the agent, also where nothing changed', () => {
    const wanted = (name: string) => wantedAgent(read(name), AGENT_RESOURCES);
    expect(wanted('agent-off')).to.equal('off');
    expect(wanted('agent-off-already')).to.equal('off');
    expect(wanted('agent-on')).to.equal('on');
    expect(wanted('unchanged')).to.equal('unmanaged');
    const untagged = (name: string) => {
      const report = read(name);
      return wantedAgent(
        { ...report, resources: report.resources.map((one) => ({ ...one, tags: [] })) },
        AGENT_RESOURCES,
      );
    };
    expect(untagged('agent-on')).to.equal('on');
    expect(untagged('agent-off')).to.equal('off');
    expect(untagged('agent-off-already')).to.equal('unknown');
  });

  it('staypuft:P-09 whatever changes, a run passes only when all that changed was allowed', () => {
    const name = fc.constantFrom(
      'Service[puppet]',
      'Cron[puppet]',
      'File[/etc/motd]',
      'Service[nginx]',
      'Package[puppet]',
    );
    const resource = fc.record({ name, changed: fc.boolean(), byEvent: fc.boolean() });
    fc.assert(
      fc.property(fc.uniqueArray(resource, { selector: (one) => one.name }), (some) => {
        const resources = some.map(
          ({ name: one, changed, byEvent }): ReportedResource => ({
            name: one,
            changed,
            failed: false,
            failedToRestart: false,
            outOfSync: changed,
            skipped: false,
            tags: [],
            events: byEvent ? [{ property: 'ensure', wanted: 'running', status: 'success', message: '' }] : [],
          }),
        );
        const { problems } = judge(2, { ...read('changed'), resources, logs: [] }, AGENT);
        const allowed: readonly string[] = AGENT_RESOURCES;
        const others = some.filter((one) => (one.changed || one.byEvent) && !allowed.includes(one.name));
        expect(problems.map(({ text }) => text.split(' ')[0])).to.deep.equal(others.map((one) => one.name));
      }),
    );
  });

  it('staypuft:P-06 another round only follows where it may help, and never after the last', () => {
    const changed = { problems: [], changed: ['File[/a]'] };
    const still = { problems: [], changed: [] };
    const broken = { problems: [{ kind: 'resources' as const, text: '' }], changed: [] };
    const wrong = { problems: [{ kind: 'run' as const, text: '' }], changed: ['File[/a]'] };
    expect([changed, still, broken, wrong].map((verdict) => isAnotherRound(verdict, 1, 3))).to.deep.equal([
      true,
      false,
      true,
      false,
    ]);
    for (const verdict of [changed, still, broken, wrong]) expect(isAnotherRound(verdict, 3, 3)).to.equal(false);
  });
});

describe('reports from hosts', () => {
  it('what the host leaves out of a report changes nothing that is judged', () => {
    for (const name of reports()) {
      const filtered = execFileSync('awk', [FILTER], { input: recorded(name), encoding: 'utf8' });
      expect(filtered.length, name).to.be.lessThan(recorded(name).length);
      const [whole, sent] = [read(name), reportOfText(filtered) as PuppetReport];
      for (const expectation of [ALL, AGENT])
        expect(judge(recordedCode(name), sent, expectation)).to.deep.equal(
          judge(recordedCode(name), whole, expectation),
        );
      expect(wantedAgent(sent, AGENT_RESOURCES)).to.equal(wantedAgent(whole, AGENT_RESOURCES));
      expect({ ...sent, resources: [], logs: [] }).to.deep.equal({ ...whole, resources: [], logs: [] });
    }
  });

  it('long and odd names of resources come through', () => {
    const long = `Exec[${'x'.repeat(200)}: y]`;
    // As Ruby writes them.
    const text = `--- !ruby/object:Puppet::Transaction::Report
transaction_uuid: a
status: failed
environment: production
logs:
- level: info
  message: small talk
- level: err
  message: |-
    first
    metrics: no
  source: Puppet
metrics:
  a: 1
resource_statuses:
  ? '${long.replace(': y', ':\n    y')}'
  : title: x
    failed: true
    skipped: false
  ? |-
    Exec[a
    b: c]
  : failed: true
    title: |-
      m
      n
  ? File[/a]
  : title: x
    failed: false
  "File[/b\\tc]":
    changed: true
  File[/d]:
    changed: false
corrective_change: false
`;
    const report = reportOfText(execFileSync('awk', [FILTER], { input: text, encoding: 'utf8' }));
    expect(report?.resources.map(({ name }) => name)).to.deep.equal([long, 'Exec[a\nb: c]', 'File[/b\tc]']);
    expect(report?.logs).to.deep.equal([{ level: 'err', source: 'Puppet', message: 'first\nmetrics: no' }]);
  });

  it('Ruby’s names mean nothing here: nothing is made of them', () => {
    const report = reportOfText(`--- !ruby/object:Kernel
transaction_uuid: a
status: !ruby/sym changed
environment: :production
noop: !ruby/object:Gem::Installer {i: x}
logs: [!ruby/object:Puppet::Util::Log {level: !ruby/sym crit, message: m, source: s}]
resource_statuses: !ruby/hash:Evil {"File[/a]": !ruby/object:Puppet::Resource::Status {changed: true}}
`);
    expect(report).to.include({ status: 'changed', environment: 'production', noop: false });
    expect(report?.logs[0]?.level).to.equal('err');
    expect(report?.resources[0]).to.include({ name: 'File[/a]', changed: true });
  });

  it('bombs are no reports: of aliases, of depth, of zip', () => {
    const head = 'transaction_uuid: a\nstatus: changed\n';
    const steps = Array.from(
      { length: 20 },
      (_, at) => `a${at + 1}: &a${at + 1} [${Array(20).fill(`*a${at}`).join(',')}]`,
    );
    const aliases = reportOfText(`a0: &a0 [x]\n${steps.join('\n')}\n${head}`);
    expect(aliases === null || aliases.resources.length === 0).to.equal(true);
    expect(reportOfText(`${head}logs: ${'['.repeat(100_000)}`)).to.equal(null);
    expect(reportOfText(`${head}x: "${'x'.repeat(5_000_000)}"`)).to.equal(null);
    expect(reportOfSent(gzipSync(Buffer.alloc(50_000_000)).toString('base64'))).to.equal(null);
    expect(reportOfSent('bm8gZ3ppcA==')).to.equal(null);
  });

  it('anything else is no report, and never a bug', () => {
    for (const text of [
      '',
      'null',
      '[]',
      'a: b',
      'transaction_uuid: a',
      '--- |\n x',
      '{',
      '%YAML 9.9\n---\n',
      'status: [1]\ntransaction_uuid: {}',
    ])
      expect(reportOfText(text), text).to.equal(null);
    fc.assert(fc.property(fc.string(), (text) => void reportOfText(text)));
    const odd = reportOfText('transaction_uuid: a\nstatus: changed\nlogs: 7\nresource_statuses: [a]\n');
    expect(odd).to.deep.include({ resources: [], logs: [] });
  });
});

describe('what a run of Puppet said', () => {
  const MARK = 'abc';
  const end = (code: number | null, output: string, timedOut = false) =>
    endOf(MARK, { code, output, timedOut }, new Said(MARK));

  it('staypuft:P-03 staypuft:P-04 under way, disabled and not able to are told apart', () => {
    const output = (name: string) =>
      `${execFileSync('cat', [`${RECORDED}/${name}.txt`], { encoding: 'utf8' })}d3:abc:code 1 /usr/bin/puppet\n`;
    expect(end(1, output('agent-busy'))).to.deep.equal({ kind: 'busy' });
    expect(end(1, output('agent-disabled'))).to.deep.equal({ kind: 'disabled', reason: 'somebody works here' });
    expect(end(1, output('agent-wrong-certificate'))).to.include({ kind: 'notRun' });
    expect(end(1, 'd3:abc:absent\n')).to.deep.equal({ kind: 'absent' });
  });

  it('a run that was cut is told from one that ended', () => {
    expect(end(null, 'Notice: x\n', true)).to.deep.equal({ kind: 'cut', timedOut: true });
    expect(end(0, 'Notice: x\n')).to.deep.equal({ kind: 'cut', timedOut: false });
    expect(end(2, 'd3:abc:report\nnothing\nd3:abc:code 2 /usr/bin/puppet\n')).to.deep.equal({
      kind: 'unread',
      code: 2,
    });
  });

  it('words of other marks are what Puppet printed', () => {
    const told: string[] = [];
    const said = new Said(MARK, (line) => told.push(line));
    for (const line of ['a', 'd3:other:code 0 x', 'd3:abc:report', 'QUJD', 'd3:abc:code 0 x']) said.take(line);
    expect(told).to.deep.equal(['a', 'd3:other:code 0 x']);
    expect(said).to.include({ sent: 'QUJD', isWhole: true });
  });
});

describe('the script of a run', () => {
  it('it is one for every sh, and holds no more of what it is given than words', () => {
    const script = puppetScript('m', {
      environment: "a'b",
      apply: { text: '$(touch /tmp/x) `id`\nd3:m:not the end\n' },
      modules: { "d'3/a.pp": 'x' },
      programs: ["/a b/c'd"],
      endsOther: true,
    });
    execFileSync('sh', ['-n'], { input: script });
    execFileSync('bash', ['--posix', '-n'], { input: script });
    expect(script).to.include(String.raw`--environment 'a'\''b'`).and.to.include(String.raw`'/a b/c'\''d'`);
  });

  it('a run that is under way is ended only where that was asked for', () => {
    expect(puppetScript('m')).to.not.match(/kill|lock/);
    expect(puppetScript('m', { endsOther: true }))
      .to.include('agent_catalog_run_lockfile')
      .and.to.not.match(/rm[^\n]*lock/);
  });

  it('agents are found where their packages put them', () => {
    expect(puppetScript('m')).to.include("'/opt/puppetlabs/bin/puppet' '/usr/bin/puppet'");
  });
});

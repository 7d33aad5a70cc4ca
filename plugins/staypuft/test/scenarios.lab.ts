import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { blocksOf } from '../../../test/support/pages/blocks.ts';
import { shellWord } from '../src/rules/shell.ts';
import type { Ended } from './support/deploy-lab.ts';
import type { LabMachine } from './support/lab-machine.ts';
import { type Discovered, ScenarioLab } from './support/scenario-lab.ts';

const FAILED_HELD = 44;
const GUIDE = path.join(import.meta.dirname, '../../../docs/guides/foreman.md');
const UNDONE = 'File[/srv/shop/web]';

/** Classes of Puppet by environment; what waits in discovery has just its agent to do with, unless somebody puts something else there. */
const CLASSES = {
  discovery: { shop_waits: "class shop_waits {\n  file { '/srv/waits': ensure => directory }\n}\n" },
  production: { shop_db: shopClass('db'), shop_web: shopClass('web') },
};

function shopClass(role: string): string {
  return `class shop_${role} {
  file { '/srv/shop':
    ensure => directory,
  }
  file { '/srv/shop/${role}':
    content => "served by \${facts['clientcert']}\\n",
  }
}
`;
}

const PAGE = readFileSync(GUIDE, 'utf8');

/** The blueprint of the page. On a web server with that file somebody's script undoes what Puppet did. */
const BLUEPRINT = `${blocksOf(PAGE).find(({ file }) => file === 'shop.yaml')?.text}      - name: what somebody added
        script: |
          #!/bin/sh
          [ ! -e /root/tidies ] || rm -f /srv/shop/web
`;

describe('both scenarios of Foreman, from end to end', function () {
  this.timeout(20 * 60_000);
  let lab: ScenarioLab;
  /** Command lines as they were typed, at the controller and on hosts. */
  const lines: string[] = [];

  before(async () => {
    lab = await ScenarioLab.make(CLASSES);
  });
  after(() => lab?.remove());

  function note(line: readonly string[]): void {
    const words = line.map((word) => word.replace(`${lab.deploy.sandbox.dir}/`, ''));
    lines.push(`d3 ${words.join(' ')}`.replace(/^d3 admin /, 'd3admin '));
  }

  async function ends(code: number, ...line: string[]): Promise<string> {
    note(line);
    const end = await lab.d3(...line);
    expect(end.code, `d3 ${line.join(' ')}: ${end.stderr}${end.stdout}\n${lab.puppet.said}`).to.equal(code);
    return `${end.stdout}${end.stderr}`;
  }

  function good(...line: string[]): Promise<string> {
    return ends(0, ...line);
  }

  async function result<Result>(...line: string[]): Promise<Result> {
    note(line);
    const { code, stdout, stderr } = await lab.d3(...line, '--json');
    expect(code, `d3 ${line.join(' ')}: ${stderr}${stdout}`).to.equal(0);
    return (JSON.parse(stdout) as { result: Result }).result;
  }

  /** A file of the controller. */
  function file(name: string, text: string): string {
    const at = path.join(lab.deploy.sandbox.dir, name);
    writeFileSync(at, text);
    return at;
  }

  async function states(deployment: string): Promise<Record<string, string>> {
    const { hosts } = await result<{ hosts: { host: string; state: string }[] }>('deployment', 'show', deployment);
    return Object.fromEntries(hosts.map(({ host, state }) => [host, state]));
  }

  function released(machines: readonly LabMachine[]): Record<string, string> {
    return Object.fromEntries(machines.map(({ name }) => [name, 'released']));
  }

  async function typed(machine: LabMachine, ...line: string[]): Promise<string> {
    const { code, stdout, stderr }: Ended = await machine.types(line[0] as string, ...line.slice(1));
    expect(code, `${line.join(' ')} on ${machine.name}: ${stderr}${stdout}`).to.equal(0);
    if (line[0] === 'd3') note(line.slice(1));
    return stdout;
  }

  /** The first line of a page's walk that was not typed after those before it; null: it was gone as it stands there. */
  function notTyped(heading: string): string | null {
    const [, rest = ''] = PAGE.split(`\n${heading}\n`);
    const [section = ''] = rest.split('\n## ');
    const shown = section.split('\n').filter((line) => /^d3(?:admin)? /.test(line));
    expect(shown.length).to.be.greaterThan(4);
    let at = 0;
    for (const line of shown) {
      at = lines.indexOf(line, at) + 1;
      if (at === 0) return line;
    }
    return null;
  }

  /** Of the agent: whether it runs, and whether it does after a start. */
  async function agent(machine: LabMachine): Promise<string> {
    const [active, enabled] = [
      await machine.types('systemctl', 'is-active', 'puppet'),
      await machine.types('systemctl', 'is-enabled', 'puppet'),
    ];
    return `${active.stdout.trim()} ${enabled.stdout.trim()}`;
  }

  /** When something of a host was last written, in nanoseconds. */
  async function writtenAt(machine: LabMachine, name: string): Promise<number> {
    const text = await typed(machine, 'stat', '-c', '%.9Y', name);
    return Number(text.trim());
  }

  /** Both databases were done before any web server was begun; each has what its role says, and an agent that is on. */
  async function isAsItShouldBe(db: readonly LabMachine[], web: readonly LabMachine[]): Promise<void> {
    for (const machine of db)
      expect(await typed(machine, 'cat', '/srv/shop/db')).to.equal(`served by ${machine.name}\n`);
    for (const machine of web)
      expect(await typed(machine, 'cat', '/srv/shop/web')).to.equal(`served by ${machine.name}\n`);
    const last = Math.max(...(await Promise.all(db.map((one) => writtenAt(one, '/srv/shop/db')))));
    const first = Math.min(...(await Promise.all(web.map((one) => writtenAt(one, '/srv/shop/web')))));
    expect(last).to.be.lessThan(first);
    for (const machine of [...db, ...web]) {
      expect(await agent(machine), machine.name).to.equal('active enabled');
      const host = [...lab.foreman.hosts.values()].find(({ name }) => name === machine.name);
      expect(lab.foreman.environmentOf(host as never)).to.equal('production');
      expect(lab.foreman.node(machine.name)?.classes['d3_agent']).to.deep.equal({ runmode: 'service' });
    }
  }

  it('staypuft:U-01 staypuft:K-06 the way to the hosts is made', async () => {
    await good('proxy', 'add', 'dmz', '--address', 'jump.example.org');
    const { publicKey } = await result<{ publicKey: string }>('proxy', 'key', 'dmz');
    lab.letIn(publicKey);
    await good('proxy', 'test', 'dmz');
    await good('foreman', 'doctor', '--hostgroup', 'base/shop/db', '--hostgroup', 'base/shop/web');
    await good('blueprint', 'import', file('shop.yaml', BLUEPRINT));
    expect(notTyped('## The way to the hosts')).to.equal(null);
  });

  describe('discovered hosts', () => {
    let all: Discovered[];
    let machines: LabMachine[];

    before(async () => {
      all = await Promise.all([1, 2, 3, 4].map((number) => lab.discovered(number)));
      machines = all.map(({ machine }) => machine);
    });

    it('staypuft:U-01 staypuft:S1-01 staypuft:S1-11 staypuft:S1-12 staypuft:M-15 staypuft:M-24 are discovered, assigned, installed, configured role by role, and handed over', async () => {
      const names = machines.map(({ name }) => name);
      const [db, web] = [names.slice(0, 2), names.slice(2)];
      const [snippet] = await result<{ text: string }[]>('foreman', 'snippets', 'preseed', '--proxy', 'dmz');
      lab.extend(snippet?.text ?? '');
      expect(await good('admin', 'computer', 'discover', '--proxy', 'dmz')).to.contain(`${names[0]} (discovered`);

      await good('deployment', 'create', 'shop', '--blueprint', 'shop');
      await good('deployment', 'assign', 'shop', '--role', 'db', ...db);
      await good('deployment', 'assign', 'shop', '--role', 'web', ...web);
      for (const { id } of all) {
        const host = lab.foreman.hosts.get(id);
        expect(host).to.include({ type: 'Managed', managed: true, build: true });
        expect(lab.foreman.environmentOf(host as never)).to.equal('discovery');
      }
      // One that is switched off and on again meanwhile is held: it boots its image.
      expect(all.flatMap(({ booted }) => booted)).to.deep.equal(['image', 'image', 'image', 'image']);
      await lab.restarts(all[0] as Discovered);
      expect(all[0]?.booted).to.deep.equal(['image', 'image']);

      await good('foreman', 'doctor', '--deployment', 'shop');
      const plan = await good('deployment', 'plan', 'shop');
      for (const word of [...names, 'install its system', 'puppet']) expect(plan).to.contain(word);
      await good('deployment', 'run', 'shop');

      expect(await states('shop')).to.deep.equal(released(machines));
      for (const { booted } of all) expect(booted.slice(-3)).to.deep.equal(['image', 'installer', 'disk']);
      await isAsItShouldBe(machines.slice(0, 2), machines.slice(2));
      const log = await good('deployment', 'log', 'shop', '--host', names[0] as string);
      expect(log).to.contain('the agent is on now, and nothing else changed');
      expect(await good('deployment', 'report', 'shop')).to.match(/^# .*shop/m);
      expect(notTyped('## Discovered hosts')).to.equal(null);
      expect(await good('deployment', 'run', 'shop')).to.match(/nothing to do/i);
    });

    it('staypuft:P-09 staypuft:S1-14 staypuft:D-07 one whose last run changes something else fails and is named; the same mended is handed over, and nothing is installed anew', async () => {
      const last = machines[3] as LabMachine;
      const { boot } = last;
      await typed(last, 'touch', '/root/tidies');
      const held = await ends(FAILED_HELD, 'deployment', 'run', 'shop', '--again', '--limit', last.name);
      expect(held).to.contain(last.name).and.to.contain(`${UNDONE} changed, and nothing but`);
      expect((await states('shop'))[last.name]).to.equal('failed');
      await typed(last, 'rm', '/root/tidies');
      await good('deployment', 'retry', 'shop');
      await good('deployment', 'resume', 'shop');
      expect(await states('shop')).to.deep.equal(released(machines));
      expect([all[3]?.booted.at(-1), last.boot]).to.deep.equal(['disk', boot]);
    });
  });

  describe('registered hosts', () => {
    const names = ['db1', 'db2', 'web1', 'web2'].map((name) => `${name}.example.org`);
    const withPuppet = names.slice(0, 3);
    const last = names[3] as string;
    let machines: LabMachine[];

    before(async () => {
      machines = await Promise.all(names.map((name) => lab.installed(name)));
    });

    it('staypuft:U-01 staypuft:S2-03 staypuft:S2-04 staypuft:S2-05 staypuft:S2-06 staypuft:S2-07 staypuft:S2-08 staypuft:S2-09 staypuft:S2-10 owners set their hosts up by what is printed for them, once, and Foreman knows them', async () => {
      for (const name of withPuppet) await good('foreman', 'autosign', 'add', name);
      const withServer = await good('proxy', 'answers', 'dmz', '--server', 'puppet.example.org');
      const keyAlone = await good('proxy', 'answers', 'dmz');
      await Promise.all(
        machines.map(async (machine) => {
          const printed = machine.name === last ? keyAlone : withServer;
          const block = printed.slice(printed.indexOf('cat > '));
          expect(await agent(machine)).to.equal('active enabled');
          await typed(machine, 'sh', '-ec', block);
          const again = await typed(machine, 'd3', 'client', 'setup', '--answers', 'd3-answers.json');
          expect(again).to.contain('nothing to change');
          const said = await typed(machine, 'd3', 'client', 'setup', '--answers', 'd3-answers.json', '--json');
          await good('client', 'register', file(`${machine.name}.json`, said), '--proxy', 'dmz');
          // The last one is made known to Foreman by Foreman's own command, and has no certificate yet.
          if (machine.name === last) await registersItself(machine);
        }),
      );
      for (const name of withPuppet) await good('foreman', 'autosign', 'remove', name);
      for (const machine of machines) {
        const host = [...lab.foreman.hosts.values()].find(({ name }) => name === machine.name);
        expect(host).to.include({ managed: false, build: false, hostgroup_id: null });
        expect(lab.foreman.environmentOf(host as never)).to.equal('discovery');
        expect(lab.puppet.hasSigned(machine.name)).to.equal(machine.name !== last);
        if (machine.name === last) continue;
        expect(await agent(machine)).to.match(/^(?:inactive|failed) disabled$/);
        const conf = await typed(machine, 'cat', '/etc/puppet/puppet.conf');
        expect(conf).to.contain('# as its owner wrote it').and.to.contain('server = puppet.example.org');
      }
    });

    async function registersItself(machine: LabMachine): Promise<void> {
      expect(await good('foreman', 'register', '--hours', '1')).to.contain('curl');
      const environment_id = lab.foreman.environments.find(({ name }) => name === 'discovery')?.id ?? null;
      lab.foreman.registered(machine.name, { ip: machine.address, environment_id });
      const conf = `[main]\nserver = puppet.example.org\ncertname = ${machine.name}\nkeylength = 2048\n[agent]\nenvironment = discovery\n`;
      await typed(
        machine,
        'sh',
        '-ec',
        `systemctl stop puppet; printf %s ${shellWord(conf)} > /etc/puppet/puppet.conf`,
      );
    }

    it('staypuft:U-01 staypuft:S2-01 staypuft:S2-02 staypuft:S2-13 staypuft:S2-14 staypuft:S2-15 staypuft:S2-16 are assigned, have their agents off in discovery, are configured role by role, and handed over; never installed', async () => {
      const before = lab.foreman.calls.length;
      const boots = machines.map(({ boot }) => boot);
      expect(await good('admin', 'computer', 'discover', '--proxy', 'dmz')).to.contain(
        `${last} (registered, ${machines[3]?.address}): changed`,
      );
      await good('proxy', 'test', 'dmz');
      await good('proxy', 'hostkeys', 'dmz', '--distribute');
      await good('deployment', 'create', 'office', '--blueprint', 'shop');
      await good('deployment', 'assign', 'office', '--role', 'db', ...names.slice(0, 2));
      await good('deployment', 'assign', 'office', '--role', 'web', ...names.slice(2));
      const plan = await good('deployment', 'plan', 'office');
      for (const word of [...names, 'let its certificate be signed', 'puppet']) expect(plan).to.contain(word);
      lab.signed.length = 0;
      await good('deployment', 'run', 'office');

      expect(await states('office')).to.deep.equal(released(machines));
      expect(notTyped('## Registered hosts')).to.equal(null);
      await isAsItShouldBe(machines.slice(0, 2), machines.slice(2));
      expect(lab.signed.flat()).to.include(last);
      expect(lab.signed.at(-1)).to.deep.equal([]);
      expect(lab.puppet.hasSigned(last)).to.equal(true);
      const log = async (name: string) => good('deployment', 'log', 'office', '--host', name);
      expect(await log(names[0] as string)).to.contain('the agent was off already, and nothing changed');
      expect(await log(last)).to.contain('the agent is off now, and nothing else changed');
      // Nobody installed or restarted any of them.
      const made = lab.foreman.calls.slice(before).filter(({ method }) => method !== 'GET');
      expect(made.filter(({ path: at }) => /power|rebuild_config|reboot|discovered/.test(at))).to.deep.equal([]);
      expect(made.filter(({ body }) => JSON.stringify(body).includes('"build"'))).to.deep.equal([]);
      expect(machines.map(({ boot }) => boot)).to.deep.equal(boots);
    });

    it('staypuft:S2-13 staypuft:P-10 one on which something else changes while it waits in discovery fails, and is named', async () => {
      const [first] = machines as [LabMachine];
      const host = [...lab.foreman.hosts.values()].find(({ name }) => name === first.name);
      host?.classes.push('shop_waits');
      const held = await ends(FAILED_HELD, 'deployment', 'run', 'office', '--again', '--limit', first.name);
      expect(held).to.contain(first.name).and.to.contain('File[/srv/waits] changed, and nothing but');
      host?.classes.pop();
      await good('deployment', 'cancel', 'office', '--reason', 'somebody had another class there');
    });
  });
});

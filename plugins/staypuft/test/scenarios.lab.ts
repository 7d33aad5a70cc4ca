import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import type { Ended } from './support/deploy-lab.ts';
import type { LabMachine } from './support/lab-machine.ts';
import { type Discovered, ScenarioLab } from './support/scenario-lab.ts';

const FAILED_HELD = 44;
const DEPLOYMENTS = path.join(import.meta.dirname, '../../../docs/deployments.md');
const PAGE = 'File[/srv/shop/web]';

/** Classes of Puppet by environment. */
const CLASSES = {
  discovery: {},
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

/** Databases, then what is in front of them. On a web server with that file somebody's script undoes what Puppet did. */
const BLUEPRINT = `schema: d3/blueprint@1
name: shop
description: Databases, then web servers.
roles:
  - name: db
    steps:
      - puppet
      - assert: test -s /srv/shop/db
  - name: web
    after: [db]
    steps:
      - puppet
      - assert: test -s /srv/shop/web
      - name: what somebody added
        script: |
          #!/bin/sh
          [ ! -e /root/tidies ] || rm -f /srv/shop/web
`;

describe('a scenario of Foreman, from end to end', function () {
  this.timeout(30 * 60_000);
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
    const [, rest = ''] = readFileSync(DEPLOYMENTS, 'utf8').split(`\n${heading}\n`);
    const [section = ''] = rest.split('\n## ');
    const shown = section.split('\n').filter((line) => /^d3(?:admin)? /.test(line));
    expect(shown.length).to.be.greaterThan(10);
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
  });

  describe('discovered hosts', () => {
    let all: Discovered[];
    let machines: LabMachine[];

    before(async () => {
      all = await Promise.all([1, 2, 3, 4].map((number) => lab.discovered(number)));
      machines = all.map(({ machine }) => machine);
    });
    after(() => Promise.all(machines.map((machine) => machine.cut())));

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
      expect(held).to.contain(last.name).and.to.contain(`${PAGE} changed, and nothing but`);
      expect((await states('shop'))[last.name]).to.equal('failed');
      await typed(last, 'rm', '/root/tidies');
      await good('deployment', 'retry', 'shop');
      await good('deployment', 'resume', 'shop');
      expect(await states('shop')).to.deep.equal(released(machines));
      expect([all[3]?.booted.at(-1), last.boot]).to.deep.equal(['disk', boot]);
    });
  });
});

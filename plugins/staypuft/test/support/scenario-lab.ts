import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeAuthority } from '../../../../test/support/certificates.ts';
import { until } from '../../../../test/support/waiting.ts';
import { D3, DeployLab, type Ended } from './deploy-lab.ts';
import { ForemanStandIn, TOKEN } from './foreman.ts';
import { factsOf } from './foreman-site.ts';
import { Disks, LabMachine } from './lab-machine.ts';
import { PuppetServer } from './puppet-server.ts';

const MINUTES = 60_000;
const NODE = [process.execPath, '--conditions=d3-source', '--disable-warning=ExperimentalWarning'];
const BASE = 'base/shop';
/** What the middle of the network is known as, there and everywhere. */
const NAMES = ['jump', 'foreman', 'puppet', 'proxy'].map((name) => `${name}.example.org`);
const ROLES = ['db', 'web'] as const;

type Environment = 'discovery' | 'production';
type Booted = 'image' | 'installer' | 'disk';

/** A machine that booted the discovery image, as Foreman has it installed. */
export interface Discovered {
  machine: LabMachine;
  /** Id of its record in Foreman. */
  id: number;
  mac: string;
  /** What it booted, one after the other. */
  booted: Booted[];
  /** Its discovery image, once it has booted that. */
  image: ChildProcess | null;
}

/**
 * A site: a controller, and in the middle of the network a jump host, a real Puppet server and Foreman, with its smart proxy; machines that
 * only the middle reaches. Foreman is a stand-in, and the node classifier of the Puppet server; all else is real.
 */
export class ScenarioLab {
  readonly deploy: DeployLab;
  readonly foreman = new ForemanStandIn();
  readonly puppet = new PuppetServer();
  /** What was signed by itself, whenever that changed. */
  readonly signed: string[][] = [];
  readonly #disks: Disks;
  readonly #machines: LabMachine[] = [];
  readonly #programs: ChildProcess[] = [];
  readonly #problems: unknown[] = [];
  /** The Puppet server is up, which takes it a while. */
  #served: Promise<void> = Promise.resolve();

  private constructor(deploy: DeployLab, disks: Disks) {
    this.deploy = deploy;
    this.#disks = disks;
  }

  /** @param classes Puppet classes of each environment, with their text; `shop_ROLE` is that of a role */
  static async make(classes: Readonly<Record<Environment, Readonly<Record<string, string>>>>): Promise<ScenarioLab> {
    const deploy = await DeployLab.make({});
    const lab = new ScenarioLab(deploy, await Disks.make(deploy.sandbox.folder('disks', {})));
    try {
      await lab.#open(classes);
      return lab;
    } catch (error) {
      await lab.remove();
      throw error;
    }
  }

  async #open(classes: Readonly<Record<Environment, Readonly<Record<string, string>>>>): Promise<void> {
    const { foreman, puppet, deploy } = this;
    const { middle } = deploy.network;
    const file = (name: string, text: string) => {
      const at = path.join(deploy.sandbox.dir, name);
      writeFileSync(at, text, { mode: 0o600 });
      return at;
    };
    const authority = makeAuthority('the site');
    const certified = authority.issue(NAMES);
    const [cert, key] = [file('site.pem', certified.cert), file('site.key', certified.key)];
    const settings = {
      deployment: { readySeconds: 300, graceSeconds: 2, puppetSeconds: 300 },
      foreman: {
        url: 'https://foreman.example.org',
        user: 'd3',
        tokenFile: file('token', `${TOKEN}\n`),
        ca: file('site-ca.pem', authority.cert),
        hostgroup: BASE,
        discoveryProxy: 'https://proxy.example.org:9090',
      },
    };
    writeFileSync(path.join(deploy.etc, 'd3.json'), JSON.stringify(settings));
    writeFileSync(path.join(deploy.etc, 'hosts'), hosts(deploy.jump));

    foreman.discoveryReboot = false;
    for (const [name, all] of Object.entries(classes)) foreman.environment(name, ['d3_agent', ...Object.keys(all)]);
    foreman.runmode();
    const ca = foreman.proxy('proxy.example.org', ['Puppet CA', 'TFTP', 'Discovery']);
    for (const role of ROLES) {
      const id = foreman.hostgroup(`${BASE}/${role}`, 'production', foreman.subnet('10.77.0.0', '255.255.0.0'));
      Object.assign(foreman.hostgroups.find((one) => one.id === id) as object, {
        puppet_ca_proxy_id: ca,
        classes: ['d3_agent', `shop_${role}`],
      });
    }
    foreman.onChange = () => {
      const now = foreman.proxies.flatMap(({ autosign }) => autosign);
      if (JSON.stringify(now) === JSON.stringify(this.signed.at(-1) ?? [])) return;
      this.signed.push(now);
      puppet.sign(now);
    };
    const socket = path.join(puppet.folder, 'foreman');
    await foreman.start(certified, socket);
    const program = (name: string) => path.join(import.meta.dirname, `${name}-child.ts`);
    this.#served = puppet.start({
      name: 'puppet.example.org',
      listens: '0.0.0.0',
      port: 8140,
      on: middle,
      signs: 'named',
      classifies: `#!/bin/sh\nexec ${[...NODE, program('node')].join(' ')} '${socket}' '${puppet.at('server/var/server_data/facts')}' "$1"\n`,
      environments: {
        discovery: { manifest: '', classes: classes.discovery },
        production: { manifest: '', classes: classes.production },
      },
    });
    // Whoever needs it hears of it.
    this.#served.catch(() => {});
    await Promise.all([
      this.#up([...middle, ...NODE, program('forward'), socket, '443']),
      this.#up([...middle, ...NODE, program('discovery-proxy'), cert, key]),
    ]);
  }

  /** A machine that its owner installed, with an agent that is on, as packages leave it. */
  async installed(name: string): Promise<LabMachine> {
    const machine = await this.#machine(name);
    machine.format(system(machine));
    await machine.start();
    const on = await machine.types('systemctl', 'enable', '--now', 'puppet.service');
    if (on.code !== 0) throw new Error(`the agent of ${name} does not start: ${on.stderr}`);
    await this.#served;
    return machine;
  }

  /** A machine without a system, switched on: it boots the discovery image, and from then on what Foreman has it boot. */
  async discovered(number: number): Promise<Discovered> {
    const mac = `52:54:00:77:00:0${number}`;
    const machine = await this.#machine(`mac${mac.replaceAll(':', '')}`);
    const facts = factsOf(mac, machine.address);
    const record = this.foreman.discovered(machine.name, machine.address, mac, facts);
    record.template = finish(machine.name, '');
    const one: Discovered = { machine, id: record.id, mac, booted: [], image: null };
    await this.#powers(one, facts);
    return one;
  }

  /** Switches a machine off and on again that has no system yet. */
  async restarts(one: Discovered): Promise<void> {
    one.image?.kill('SIGKILL');
    await this.#powers(one, factsOf(one.mac, one.machine.address));
  }

  /** A command line of whoever runs deployments. */
  d3(...line: string[]): Promise<Ended> {
    return this.deploy.d3(...line);
  }

  /** Lets a key into the jump host, as its owner does. */
  letIn(key: string): void {
    writeFileSync(this.deploy.authorized, key);
  }

  /** Puts a part into the installation template of all, as an admin does in Foreman. */
  extend(template: string): void {
    for (const host of this.foreman.hosts.values()) host.template = finish(host.name, template);
  }

  async remove(): Promise<void> {
    for (const program of this.#programs) program.kill('SIGKILL');
    await Promise.all(this.#machines.map((machine) => machine.remove()));
    this.puppet.remove();
    await this.foreman.stop();
    this.#disks.remove();
    await this.deploy.remove();
    if (this.#problems.length > 0) throw this.#problems[0];
  }

  async #machine(name: string): Promise<LabMachine> {
    const machine = new LabMachine(name, await this.deploy.network.host(this.deploy.etc), this.#disks);
    this.#machines.push(machine);
    return machine;
  }

  /** What its boot configuration has a machine boot, and what comes of that. */
  async #powers(one: Discovered, facts: object): Promise<void> {
    const { machine, id, booted } = one;
    const host = this.foreman.hosts.get(id);
    const isHeld = host?.type === 'Discovered' || this.foreman.environmentOf(host as never) === 'discovery';
    const boots: Booted = host?.type === 'Managed' && !host.build ? 'disk' : isHeld ? 'image' : 'installer';
    booted.push(boots);
    const program = path.join(import.meta.dirname, 'discovery-image-child.ts');
    switch (boots) {
      case 'image': {
        const image = await this.#up([...machine.net, ...NODE, program, JSON.stringify(facts)]);
        one.image = image;
        image.once('exit', (code) => {
          if (code === 0) this.#powers(one, facts).catch((error: unknown) => this.#fails(id, error));
        });
        return;
      }
      case 'installer': {
        machine.format({ ...system(machine), 'root/finish.sh': host?.template ?? '' });
        await this.#served;
        const { code, stderr, stdout } = await machine.installs('/root/finish.sh');
        if (code !== 0) throw new Error(`${machine.name} was not installed: ${stdout}${stderr}`);
        this.foreman.built(id);
        return this.#powers(one, facts);
      }
      case 'disk':
        await machine.start();
    }
  }

  /** An installer that fails tells Foreman. */
  #fails(id: number, error: unknown): void {
    this.#problems.push(error);
    Object.assign(this.foreman.hosts.get(id) as object, { build_status: 3 });
  }

  /** A program that says when it is up. */
  async #up(words: readonly string[]): Promise<ChildProcess> {
    const child = spawn(words[0] as string, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#programs.push(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += data.toString()));
    const name = words.find((word) => word.endsWith('-child.ts')) ?? '';
    await until(`${path.basename(name)} is up`, () => said.includes('up\n') || child.exitCode !== null, MINUTES);
    if (child.exitCode !== null) throw new Error(`${name} ended: ${said}`);
    return child;
  }
}

/** What no manifest asks of a machine, and takes most of the time of a run that changes nothing. */
const UNASKED = [
  'augeas',
  'desktop management interface',
  'disks',
  'EC2',
  'file system',
  'fips',
  'GCE',
  'hypervisors',
  'memory',
  'processor',
  'ssh',
  'virtualization',
  'Xen',
];

function hosts(middle: string): string {
  return `127.0.0.1 localhost\n${middle} ${NAMES.join(' ')}\n`;
}

/** What a new disk has: a name, names of others, an sshd, d3, and an agent that does not run by itself soon. */
function system({ name, middle }: LabMachine): Record<string, string> {
  return {
    'etc/hostname': `${name}\n`,
    'etc/hosts': hosts(middle),
    'etc/ssh/sshd_config.d/lab.conf': 'UsePAM no\nUseDNS no\nSetEnv SHLVL=3\n',
    'etc/default/puppet': "PUPPET_EXTRA_OPTS='--splay --splaylimit 1d --runinterval 1d'\n",
    'etc/puppet/puppet.conf': '# as its owner wrote it\n[main]\nkeylength = 2048\n',
    'etc/facter/facter.conf': `facts : { blocklist : ${JSON.stringify(UNASKED)} }\n`,
    'usr/local/bin/d3': `#!/bin/sh\nexec ${D3.join(' ')} "$@"\n`,
    'usr/local/bin/sudo': '#!/bin/sh\nexec "$@"\n',
  };
}

/** What an installer does at its end, as a provision template says it. */
function finish(name: string, snippet: string): string {
  return `#!/bin/sh
set -e
cat > /etc/puppet/puppet.conf <<'END'
[main]
server = puppet.example.org
certname = ${name}
keylength = 2048
END
systemctl enable puppet.service
puppet agent --onetime --no-daemonize --verbose --tags no_such_tag --waitforcert 10
${snippet}`;
}

import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The module that comes with d3. */
const MODULE = path.join(import.meta.dirname, '../../puppet/d3_agent');

export interface PuppetServerOptions {
  /** Name of its certificate, by which agents know it. */
  name: string;
  /** IPv4 address it listens at. */
  listens: string;
  /** Port; null: any that is free here. */
  port: number | null;
  /** Words before it, which have it run in a network of its own. */
  on: readonly string[];
  /** Whose certificates are signed by themselves: everybody's, or those whose names a file of its folder has. */
  signs: 'all' | 'named';
  /** The script that says what a node is, given its name. */
  classifies: string;
  /** Environments by their names: the manifest, and classes with their text, each a module of its own. */
  environments: Readonly<Record<string, { manifest: string; classes: Readonly<Record<string, string>> }>>;
}

const PACKAGED = '/etc/puppet/puppetserver';
/** It lives for minutes: nothing is done that makes a long life quicker, and what Debian has built is not examined as it is loaded. */
const SHORT_LIVED = [
  '-Xms192m',
  '-Xmx640m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:+UnlockDiagnosticVMOptions',
  '-XX:-BytecodeVerificationRemote',
  '-Dclojure.spec.skip-macros=true',
];

/** A real puppetserver of Debian with its own CA, in a folder. Every environment has the module that comes with d3. */
export class PuppetServer {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'd3-puppet-lab-'));
  #port = 0;
  #process: ChildProcess | null = null;
  #output = '';

  get port(): number {
    return this.#port;
  }

  /** Its manifests are read once: what differs between tests is what nodes are said to be. */
  async start(options: PuppetServerOptions): Promise<void> {
    this.#port = options.port ?? (await freePort());
    this.#write('server/puppet.conf', this.#settings(options));
    this.#write('enc', options.classifies, 0o755);
    if (options.signs === 'named') this.sign([]);
    for (const [name, { manifest, classes }] of Object.entries(options.environments)) {
      const environment = `code/environments/${name}`;
      this.#write(`${environment}/manifests/site.pp`, manifest);
      cpSync(MODULE, this.at(`${environment}/modules/d3_agent`), { recursive: true });
      for (const [named, text] of Object.entries(classes))
        this.#write(`${environment}/modules/${named}/manifests/init.pp`, text);
    }
    this.#configure(options);
    const java = [
      'java',
      ...SHORT_LIVED,
      '-Djruby.lib=/usr/share/jruby/lib',
      '-jar',
      '/usr/share/puppetserver/puppetserver.jar',
    ];
    const places = ['--config', 'conf.d', '--bootstrap-config', 'services.d', '--restart-file', 'restart'];
    const words = [...options.on, 'setpriv', '--pdeathsig', 'KILL', ...java, ...places];
    const server = spawn(words[0] as string, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.folder });
    this.#process = server;
    for (const stream of [server.stdout, server.stderr])
      stream?.on('data', (data: Buffer) => {
        this.#output = (this.#output + data.toString()).slice(-20_000);
      });
    // It counts there how often all of it has come up.
    while (!existsSync(this.at('restart')) || readFileSync(this.at('restart'), 'utf8').trim() === '') {
      if (server.exitCode !== null || server.signalCode !== null)
        throw new Error(`puppetserver ended:\n${this.#output}`);
      await sleep(250);
    }
  }

  /** The only names whose certificates are signed by themselves from now on. */
  sign(names: readonly string[]): void {
    this.#write('server/autosign.conf', names.map((name) => `${name}\n`).join(''));
  }

  /** Whether its authority has signed a certificate of this name. */
  hasSigned(name: string): boolean {
    return existsSync(this.at(`server/ca/signed/${name}.pem`));
  }

  /** Absolute path of something in its folder. */
  at(name: string): string {
    return path.join(this.folder, name);
  }

  /** What it said last. */
  get said(): string {
    return this.#output;
  }

  remove(): void {
    this.#process?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  #settings({ name, signs }: PuppetServerOptions): string {
    const { folder } = this;
    return `[main]
certname = ${name}
dns_alt_names = ${name}
server = ${name}
keylength = 2048
# Packages of Debian name folders of the machine for these.
ssldir = ${folder}/server/ssl
cadir = ${folder}/server/ca
[server]
environmentpath = ${folder}/code/environments
basemodulepath = ${folder}/code/modules
environment_timeout = unlimited
autosign = ${signs === 'all' ? 'true' : `${folder}/server/autosign.conf`}
node_terminus = exec
external_nodes = ${folder}/enc
reports = store
storeconfigs = false
`;
  }

  #configure({ listens }: PuppetServerOptions): void {
    cpSync(`${PACKAGED}/conf.d`, this.at('conf.d'), { recursive: true });
    cpSync(`${PACKAGED}/services.d`, this.at('services.d'), { recursive: true });
    const services = readFileSync(this.at('services.d/bootstrap.cfg'), 'utf8').split('\n');
    // One tells the vendor about this server, the other is read by nobody.
    this.#write(
      'services.d/bootstrap.cfg',
      services.filter((line) => !/analytics|metrics-webservice/.test(line)).join('\n'),
    );
    this.#write('conf.d/puppetserver.conf', jrubySettings(this.folder));
    this.#write(
      'conf.d/webserver.conf',
      `webserver: { client-auth: want, ssl-host: ${listens}, ssl-port: ${this.#port} }\n`,
    );
    this.#write('conf.d/global.conf', `global: { logging-config: "${this.at('logback.xml')}" }\n`);
    this.#write('logback.xml', LOGBACK);
  }

  #write(name: string, text: string, mode = 0o644): void {
    const file = this.at(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
  }
}

const LOGBACK = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d %-5p [%c{2}] %m%n</pattern></encoder></appender>
  <root level="warn"><appender-ref ref="OUT"/></root>
</configuration>
`;

function jrubySettings(folder: string): string {
  return `jruby-puppet: {
  ruby-load-path: [/usr/lib/puppetserver/ruby/vendor_ruby]
  gem-home: "${folder}/gems"
  gem-path: [\${jruby-puppet.gem-home}, "/usr/lib/puppetserver/vendored-jruby-gems"]
  server-conf-dir: "${folder}/server"
  server-code-dir: "${folder}/code"
  server-var-dir: "${folder}/server/var"
  server-run-dir: "${folder}/server/run"
  server-log-dir: "${folder}/server/log"
  max-active-instances: 1
  compile-mode: off
}
http-client: {}
profiler: { enabled: false }
`;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

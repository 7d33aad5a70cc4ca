import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Classifier, NamedHost } from '../../src/types.ts';

const MODULE = path.join(import.meta.dirname, '../../puppet/d3_agent');

/** What the classes of a node are given, as Foreman gives it: class, parameter, value. */
type Classes = Record<string, Record<string, string | number | boolean>>;

/**
 * A real puppetserver with its own CA, in a folder, and agents beside it that have their own. What Foreman says of hosts a file for each
 * node says: the server runs a script that prints it.
 */
export class PuppetLab implements Classifier {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'd3-puppet-lab-'));
  #server: ChildProcess | null = null;
  #output = '';
  #port = 0;
  readonly #nodes = new Map<string, { environment: string; classes: Classes }>();

  /** Its manifests are read once: what differs between tests is what nodes are said to be. */
  async start(): Promise<void> {
    this.#port = await freePort();
    this.#write('server/puppet.conf', serverSettings(this.folder));
    this.#write('enc', `#!/bin/sh\nexec cat '${this.folder}/nodes/'"$1"\n`, 0o755);
    mkdirSync(path.join(this.folder, 'nodes'));
    cpSync(MODULE, path.join(this.folder, 'code/modules/d3_agent'), { recursive: true });
    this.#write('code/modules/site_web/manifests/init.pp', SITE_WEB);
    for (const name of ['discovery', 'production'])
      this.#write(
        `code/environments/${name}/manifests/site.pp`,
        serviceDefaults(this.service(`\${facts['clientcert']}`)),
      );
    this.#configure();
    const words = ['--pdeathsig', 'KILL', 'java', ...HEAP, '-Djruby.lib=/usr/share/jruby/lib'];
    const server = spawn(
      'setpriv',
      [
        ...words,
        '-jar',
        '/usr/share/puppetserver/puppetserver.jar',
        '--config',
        this.#at('conf.d'),
        '--bootstrap-config',
        this.#at('services.d'),
        '--restart-file',
        this.#at('restart'),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.folder },
    );
    this.#server = server;
    for (const stream of [server.stdout, server.stderr])
      stream?.on('data', (data: Buffer) => {
        this.#output = (this.#output + data.toString()).slice(-20_000);
      });
    while ((await this.#status()) !== 'running') {
      if (server.exitCode !== null) throw new Error(`puppetserver ended:\n${this.#output}`);
      await sleep(250);
    }
  }

  remove(): void {
    this.#server?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Another host with an agent of its own. @returns the program */
  host(name: string): string {
    const home = this.#at(`hosts/${name}`);
    const settings = [
      '[main]',
      `certname = ${name}`,
      'server = localhost',
      `serverport = ${this.#port}`,
      'keylength = 2048',
    ];
    this.#write(`hosts/${name}/conf/puppet.conf`, `${settings.join('\n')}\n`);
    const folders = ['conf', 'var', 'ssl', 'public', 'run', 'log']
      .map((kind) => `--${kind}dir '${home}/${kind}'`)
      .join(' ');
    // Services are the server's matter there; here the manifest that is applied is told what they are.
    this.#write(`hosts/${name}/services.pp`, serviceDefaults(this.service(name)));
    this.#write(
      `hosts/${name}/puppet`,
      `#!/bin/sh
what=$1
shift
for last in "$@"; do :; done
case $what in apply) cat '${home}/services.pp' "$last" > "$last.here" && mv "$last.here" "$last" ;; esac
exec /usr/bin/puppet "$what" ${folders} "$@"
`,
      0o755,
    );
    return path.join(home, 'puppet');
  }

  /** Absolute path of what belongs to a host: `var/state/agent_catalog_run.lock`. */
  of(host: string, name: string): string {
    return this.#at(path.join('hosts', host, name));
  }

  /** Where it is known that the agent's service of a host is on. */
  service(host: string): string {
    return this.#at(`${host}.on`);
  }

  /** The file that a host's role is about. */
  web(host: string): string {
    return this.#at(`${host}.web`);
  }

  /** What a node is said to be; nothing: nobody knows it. */
  say(name: string, node: { environment: string; classes: Classes } | null): void {
    if (node === null) {
      this.#nodes.delete(name);
      rmSync(this.#at(`nodes/${name}`), { force: true });
      return;
    }
    this.#nodes.set(name, node);
    this.#write(`nodes/${name}`, JSON.stringify(node));
  }

  async agent({ name }: NamedHost, mode: 'none' | 'service'): Promise<void> {
    const { environment, classes } = this.#node(name);
    this.say(name, { environment, classes: { ...classes, d3_agent: { runmode: mode } } });
  }

  async environment({ name }: NamedHost, environment: string | null): Promise<void> {
    this.say(name, { ...this.#node(name), environment: environment ?? 'production' });
  }

  read(file: string): string {
    return readFileSync(file, 'utf8');
  }

  #node(name: string) {
    return this.#nodes.get(name) ?? { environment: 'production', classes: {} };
  }

  #configure(): void {
    const packaged = '/etc/puppet/puppetserver';
    cpSync(`${packaged}/conf.d`, this.#at('conf.d'), { recursive: true });
    cpSync(`${packaged}/services.d`, this.#at('services.d'), { recursive: true });
    const services = this.read(this.#at('services.d/bootstrap.cfg')).split('\n');
    // One tells the vendor about this server, the other is read by nobody.
    this.#write(
      'services.d/bootstrap.cfg',
      services.filter((line) => !/analytics|metrics-webservice/.test(line)).join('\n'),
    );
    this.#write('conf.d/puppetserver.conf', jrubySettings(this.folder));
    this.#write(
      'conf.d/webserver.conf',
      `webserver: { client-auth: want, ssl-host: 127.0.0.1, ssl-port: ${this.#port} }\n`,
    );
    this.#write('conf.d/global.conf', `global: { logging-config: "${this.#at('logback.xml')}" }\n`);
    this.#write('logback.xml', LOGBACK);
  }

  #status(): Promise<string> {
    return new Promise((resolve) => {
      const url = `https://127.0.0.1:${this.#port}/status/v1/simple`;
      const asked = request(url, { rejectUnauthorized: false, timeout: 5000, agent: false }, (answer) => {
        let text = '';
        answer.on('data', (data: Buffer) => {
          text += data.toString();
        });
        answer.on('end', () => resolve(text.trim()));
      });
      asked.on('timeout', () => asked.destroy());
      asked.on('error', () => resolve(''));
      asked.end();
    });
  }

  #at(name: string): string {
    return path.join(this.folder, name);
  }

  #write(name: string, text: string, mode = 0o644): void {
    const file = this.#at(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
  }
}

const HEAP = ['-Xms192m', '-Xmx640m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

/** No real service of this machine is touched: on is a file. */
function serviceDefaults(file: string): string {
  return `
Service {
  provider  => 'base',
  hasstatus => true,
  start     => "touch '${file}'",
  stop      => "rm -f '${file}'",
  status    => "test -e '${file}'",
}
`;
}

const SITE_WEB = `class site_web (String $file, Integer $busy = 0, Boolean $fails = false) {
  file { $file:
    content => 'served',
  }
  if $busy > 0 {
    exec { 'busy':
      command => "/bin/sleep \${busy}",
    }
  }
  if $fails {
    exec { '/bin/false':
      require => File[$file],
    }
    -> notify { 'never': }
  }
}
`;

const LOGBACK = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d %-5p [%c{2}] %m%n</pattern></encoder></appender>
  <root level="warn"><appender-ref ref="OUT"/></root>
</configuration>
`;

function serverSettings(folder: string): string {
  return `[main]
certname = localhost
dns_alt_names = localhost
server = localhost
keylength = 2048
# Packages of Debian name folders of the machine for these.
ssldir = ${folder}/server/ssl
cadir = ${folder}/server/ca
[server]
environmentpath = ${folder}/code/environments
basemodulepath = ${folder}/code/modules
environment_timeout = unlimited
autosign = true
node_terminus = exec
external_nodes = ${folder}/enc
reports = store
storeconfigs = false
`;
}

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

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Classifier, NamedHost } from '../../src/types.ts';
import { PuppetServer } from './puppet-server.ts';

/** What the classes of a node are given, as Foreman gives it: class, parameter, value. */
type Classes = Record<string, Record<string, string | number | boolean>>;

/**
 * A real puppetserver, and agents beside it that have folders of their own. What Foreman says of hosts a file for each node says: the server
 * runs a script that prints it.
 */
export class PuppetLab implements Classifier {
  readonly #server = new PuppetServer();
  readonly #nodes = new Map<string, { environment: string; classes: Classes }>();

  async start(): Promise<void> {
    mkdirSync(this.#at('nodes'));
    const manifest = serviceDefaults(this.service(`\${facts['clientcert']}`));
    const environment = { manifest, classes: { site_web: SITE_WEB } };
    await this.#server.start({
      name: 'localhost',
      listens: '127.0.0.1',
      port: null,
      on: [],
      signs: 'all',
      classifies: `#!/bin/sh\nexec cat '${this.#at('nodes')}/'"$1"\n`,
      environments: { discovery: environment, production: environment },
    });
  }

  remove(): void {
    this.#server.remove();
  }

  /** Another host with an agent of its own. @returns the program */
  host(name: string): string {
    const home = this.#at(`hosts/${name}`);
    const settings = [
      '[main]',
      `certname = ${name}`,
      'server = localhost',
      `serverport = ${this.#server.port}`,
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

  #at(name: string): string {
    return this.#server.at(name);
  }

  #write(name: string, text: string, mode = 0o644): void {
    const file = this.#at(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
  }
}

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

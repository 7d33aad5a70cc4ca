import os from 'node:os';
import { D3Error, type PluginContext } from '@d3/sdk';
import type { ClientAnswers } from '../proxy/answers.ts';
import type { Wanted } from './puppet-conf.ts';

/** Where Puppet is on a machine. Debian's own packages and Puppet's lie at different places. */
export interface Layout {
  program: string;
  conf: string;
}

const LAYOUTS: readonly Layout[] = [
  { program: '/opt/puppetlabs/bin/puppet', conf: '/etc/puppetlabs/puppet/puppet.conf' },
  { program: '/usr/bin/puppet', conf: '/etc/puppet/puppet.conf' },
];

type Programs = Pick<PluginContext, 'programs'>;

/** @throws D3Error notFound `PUPPET_ABSENT` */
export function layoutOf({ programs }: Programs): Layout {
  const found = LAYOUTS.find(({ program }) => programs.find(program) !== null);
  if (found !== undefined) return found;
  throw new D3Error('PUPPET_ABSENT', 'notFound', 'There is no Puppet agent on this machine.', {
    target: 'puppet',
    actions: ['install the package puppet-agent', 'or leave Puppet out: d3 proxy answers NAME without --server'],
  });
}

/** What the agent is to be told. */
export function wantedSettings({ server, caServer, environment }: ClientAnswers, certname: string): Wanted[] {
  if (server === null) return [];
  const main = (key: string, value: string): Wanted => ({ section: 'main', key, value });
  return [
    main('server', server),
    ...(caServer === null ? [] : [main('ca_server', caServer)]),
    main('certname', certname),
    ...(environment === null ? [] : [{ section: 'agent' as const, key: 'environment', value: environment }]),
  ];
}

/** How Puppet names a machine: its full name in lower case. */
export function certnameOf(name: string): string {
  const full = (
    name.includes('.')
      ? name
      : os.hostname().includes('.') && os.hostname().startsWith(`${name}.`)
        ? os.hostname()
        : name
  ).toLowerCase();
  if (/^[a-z0-9][a-z0-9._-]{0,252}$/.test(full)) return full;
  throw new D3Error('CERTNAME', 'usage', `"${name}" is no name of a certificate.`, {
    target: name,
    actions: ['say one: --certname FQDN'],
  });
}

const REGISTER_WITHIN = 30 * 60_000;

/**
 * One run of the agent that changes nothing: it asks for a certificate, waits for it, and makes the host known to the server.
 * @throws D3Error failed `CLIENT_NOT_REGISTERED`
 */
export async function registerAgent(
  { program }: Layout,
  server: string,
  { programs, ui, signal }: Pick<PluginContext, 'programs' | 'ui' | 'signal'>,
): Promise<void> {
  ui({
    type: 'note',
    target: server,
    text: `registering; where the certificate is not signed by itself: puppetserver ca sign, on ${server}`,
  });
  const { code, timedOut, lastLines } = await programs.run({
    program,
    args: ['agent', '--test', '--no-daemonize', '--tags', 'no_such_tag', '--waitforcert', '30'],
    timeout: REGISTER_WITHIN,
    signal,
  });
  signal.throwIfAborted();
  // 2: something changed, which is no failure.
  if (code === 0 || code === 2) return;
  const why = timedOut
    ? 'no certificate came in time'
    : `the agent ended with ${code}: ${lastLines.slice(-3).join(' ')}`;
  throw new D3Error('CLIENT_NOT_REGISTERED', 'failed', `This machine is not registered with ${server}: ${why}.`, {
    target: server,
    actions: [
      `sign its certificate on ${server}: puppetserver ca sign --certname NAME`,
      'run d3 client setup again: what is done is not done twice',
    ],
  });
}

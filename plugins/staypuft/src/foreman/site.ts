import { readFile, stat } from 'node:fs/promises';
import { D3Error, type Json, type PluginContext } from '@d3/sdk';
import { Foreman } from './client.ts';
import { Gate } from './gate.ts';

/** Bits of a mode that let others than the owner in. */
const OTHERS = 0o077;

export type ForemanContext = Pick<PluginContext, 'settings' | 'signal' | 'admin'>;

type Settings = Readonly<Record<string, Json>>;

/** What is configured of a site's Foreman. */
export interface Site {
  server: string | null;
  user: string | null;
  tokenFile: string | null;
  /** File of certificates (PEM). */
  ca: string | null;
  atOnce: number;
  /** Title of the hostgroup under which those of roles are; null: roles name theirs. */
  hostgroup: string | null;
  /** The environment a machine is in while it is installed; null: that of its hostgroup. */
  interim: string | null;
  /** The Puppet class with the parameter `runmode`. */
  agentClass: string;
  /** Who has a machine restarted: its discovery image, asked by d3; or Foreman, as it converts it. */
  restart: 'image' | 'foreman';
  /** Where discovery images are asked through: a smart proxy; null: each at its own address. */
  discoveryProxy: string | null;
  imagePort: number;
  /** Whether work on hosts that Foreman knows goes to them as its jobs. */
  jobs: boolean;
  /** Seconds in which an image has to be gone after it was told to restart. */
  leaveSeconds: number;
}

/** Flags before settings. */
export function siteOf(settings: Settings, flags: Readonly<Record<string, unknown>> = {}): Site {
  const text = (setting: string, flag?: string) => {
    const value = (flag === undefined ? undefined : flags[flag]) ?? settings[setting];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const number = (setting: string, standard: number) => {
    const value = settings[setting];
    return typeof value === 'number' ? value : standard;
  };
  return {
    server: text('foreman.url', 'url'),
    user: text('foreman.user', 'user'),
    tokenFile: text('foreman.tokenFile', 'token-file'),
    ca: text('foreman.ca', 'ca'),
    atOnce: number('foreman.atOnce', 8),
    hostgroup: text('foreman.hostgroup'),
    interim: text('foreman.interim'),
    agentClass: text('foreman.agentClass') ?? 'd3_agent',
    restart: settings['foreman.restart'] === 'foreman' ? 'foreman' : 'image',
    discoveryProxy: text('foreman.discoveryProxy'),
    jobs: settings['deployment.transport'] === 'foreman',
    imagePort: number('foreman.imagePort', 8443),
    leaveSeconds: number('foreman.leaveSeconds', 120),
  };
}

/** Whether a Foreman is configured at all: without one, deployments go by their inventory alone. */
export function hasForeman(site: Pick<Site, 'server'>): boolean {
  return site.server !== null;
}

/**
 * Opens the site's Foreman; nothing is asked of it yet. Whoever opens it closes it.
 * @throws D3Error usage where something is not said, or the token's file is no secret
 */
export async function connect(site: Site, signal: AbortSignal): Promise<Foreman> {
  const { server, user, tokenFile } = site;
  const lacking = [
    ...(server === null ? ['foreman.url'] : []),
    ...(user === null ? ['foreman.user'] : []),
    ...(tokenFile === null ? ['foreman.tokenFile'] : []),
  ];
  if (server === null || user === null || tokenFile === null)
    throw new D3Error('FOREMAN_NOT_SAID', 'usage', `Which Foreman, and as whom, is not said: ${lacking.join(', ')}`, {
      target: 'foreman',
      actions: [
        'Set them in the configuration of this host, or give --url, --user and --token-file.',
        'Without a Foreman, say which hosts there are: d3admin computer discover --from FILE',
      ],
    });
  return new Foreman({
    server: addressOf(server),
    user,
    token: await tokenIn(tokenFile),
    ca: site.ca === null ? null : await certificatesIn(site.ca),
    gate: gateOf(server, site.atOnce),
    signal,
  });
}

/** Works with the site's Foreman; whatever happens, its connections are ended. */
export async function withForeman<Result>(
  { settings, signal }: Pick<PluginContext, 'settings' | 'signal'>,
  work: (foreman: Foreman, site: Site) => Promise<Result>,
  flags: Readonly<Record<string, unknown>> = {},
): Promise<Result> {
  const site = siteOf(await settings.all(), flags);
  const foreman = await connect(site, signal);
  try {
    return await work(foreman, site);
  } finally {
    foreman.close();
  }
}

/** Steps of many hosts at once are bounded together. */
const gates = new Map<string, Gate>();

function gateOf(server: string, atOnce: number): Gate {
  const known = gates.get(server);
  if (known !== undefined) return known;
  const made = new Gate(atOnce);
  gates.set(server, made);
  return made;
}

/** An address to which a secret may be sent. */
function addressOf(text: string): string {
  const url = URL.parse(text);
  const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url?.hostname ?? '');
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback);
  if (url !== null && safe && url.username === '' && url.password === '')
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  throw new D3Error('FOREMAN_BAD_URL', 'usage', `"${text}" is no address of a Foreman to which a secret may be sent`, {
    target: 'foreman.url',
    actions: ['Give foreman.url as https://HOST, without a user or a password.'],
  });
}

async function tokenIn(file: string): Promise<string> {
  const refused = (why: string, next: string, cause?: unknown) =>
    new D3Error('FOREMAN_BAD_TOKEN_FILE', 'usage', `${file} cannot be the token: ${why}`, {
      target: file,
      actions: [next],
      cause,
    });
  let text: string;
  let mode: number;
  try {
    ({ mode } = await stat(file));
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw refused(why, 'Name a file that is there with foreman.tokenFile.', cause);
  }
  if ((mode & OTHERS) !== 0) throw refused('others may read it', `Run chmod 600 ${file}.`);
  const token = text.trim();
  if (token === '') throw refused('it is empty', 'Write a personal access token of the account in Foreman into it.');
  return token;
}

async function certificatesIn(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new D3Error('FOREMAN_BAD_CA', 'usage', `${file} cannot be read: ${why}`, {
      target: file,
      actions: ['Name a file of certificates (PEM) with foreman.ca.'],
      cause,
    });
  }
}

import { readFile, stat } from 'node:fs/promises';
import { D3Error, type Json, type PluginContext, type Questions } from '@d3/sdk';
import { systemClock } from './connector/clock.ts';
import { Connection, type Credentials } from './connector/connection.ts';

/** Bits of a mode that let others than the owner in. */
const OTHERS = 0o077;

/** How a secret's file is read: a machine's lies under its root. */
export type SecretReader = (file: string) => Promise<{ text: string; mode: number }>;

const ofThisHost: SecretReader = async (file) => ({
  mode: (await stat(file)).mode,
  text: await readFile(file, 'utf8'),
});

type Settings = Readonly<Record<string, Json>>;

/** What of a site is configured, whatever of it is set. */
interface Site {
  server: string | null;
  clientId: string | null;
  secretFile: string | null;
  /** Who logs in with a password instead of the API client. */
  user: string | null;
}

/** Flags before settings. */
export function siteOf(flags: Readonly<Record<string, unknown>>, settings: Settings): Site {
  const text = (flag: string, setting?: string) => {
    const value = flags[flag] ?? (setting === undefined ? null : settings[setting]);
    return typeof value === 'string' && value !== '' ? value : null;
  };
  return {
    server: text('server', 'jamf.server'),
    clientId: text('client-id', 'jamf.clientId'),
    secretFile: text('secret-file', 'jamf.secretFile'),
    user: text('user'),
  };
}

/** Whether all is said that a log-in needs. */
export function isComplete(site: Site): boolean {
  return site.server !== null && site.clientId !== null && site.secretFile !== null;
}

/**
 * Opens a connection to the site's Jamf Pro; nothing is asked of it yet. Whoever opens it closes it.
 * @throws D3Error usage where something is not said, or the secret's file is no secret
 */
export async function connect(
  site: Site,
  signal: AbortSignal,
  ask?: Pick<Questions, 'secret'>,
  secretIn: SecretReader = ofThisHost,
): Promise<Connection> {
  const { server, clientId, secretFile, user } = site;
  const lacking = [
    ...(server === null ? ['--server (jamf.server)'] : []),
    ...(clientId === null && user === null ? ['--client-id (jamf.clientId)'] : []),
    ...(secretFile === null && user === null ? ['--secret-file (jamf.secretFile)'] : []),
  ];
  if (server === null || lacking.length > 0) {
    throw new D3Error('JAMF_NOT_SAID', 'usage', `Which Jamf Pro, and as whom, is not said: ${lacking.join(', ')}`, {
      target: 'jamf',
      actions: [
        'Give the flags, or set them once in the configuration.',
        'See which privileges it takes: d3 jamf roles',
      ],
    });
  }
  const address = serverAddress(server);
  const known =
    user === null ? await clientOf(clientId as string, secretFile as string, secretIn) : await userOf(user, ask);
  const options = {
    server: address,
    credentials: async () => known,
    clock: systemClock(signal),
    signal,
  };
  return new Connection(options);
}

/** Works with a site's Jamf Pro; whatever happens, the connection is closed. */
export async function withJamf<Result>(
  flags: Readonly<Record<string, unknown>>,
  { settings, signal }: Pick<PluginContext, 'settings' | 'signal'>,
  work: (connection: Connection) => Promise<Result>,
  ask?: Questions,
): Promise<Result> {
  const connection = await connect(siteOf(flags, await settings.all()), signal, ask);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** The address of a server, to which a secret may be sent. */
function serverAddress(text: string): string {
  const url = URL.parse(text);
  const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url?.hostname ?? '');
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback)) {
    if (url.username === '' && url.password === '') return url.origin;
  }
  throw new D3Error('JAMF_BAD_SERVER', 'usage', `"${text}" is no address of a Jamf Pro to which a secret may be sent`, {
    target: '--server',
    actions: ['Give --server as https://HOST, without a user or a password.'],
  });
}

async function userOf(user: string, ask: Pick<Questions, 'secret'> | undefined): Promise<Credentials> {
  const password = (await ask?.secret({ question: `The password of ${user} in Jamf Pro`, flag: '--user' })) ?? '';
  if (password !== '') return { user, password };
  throw new D3Error('JAMF_NO_PASSWORD', 'usage', `there is no password for ${user}`, {
    target: '--user',
    actions: ['Type it at a terminal, or give it as the first line of stdin.'],
  });
}

/** The secret of an API client, from a file only its owner reads: arguments and the environment are seen by others. */
async function clientOf(clientId: string, file: string, read: SecretReader): Promise<Credentials> {
  const refused = (why: string, next: string, cause?: unknown): D3Error =>
    new D3Error('JAMF_BAD_SECRET_FILE', 'usage', `${file} cannot be the secret: ${why}`, {
      target: file,
      actions: [next],
      cause,
    });
  let text: string;
  let mode: number;
  try {
    ({ mode, text } = await read(file));
  } catch (cause) {
    throw refused(
      cause instanceof Error ? cause.message : String(cause),
      'Name a file that is there with --secret-file.',
      cause,
    );
  }
  if ((mode & OTHERS) !== 0) throw refused('others may read it', `Run chmod 600 ${file}.`);
  const clientSecret = text.trim();
  if (clientSecret === '') throw refused('it is empty', 'Write the secret of the API client into it.');
  return { clientId, clientSecret };
}

import { type AdminPort, D3Error } from '@d3/sdk';
import { checkRegistration, type Registered, registerHost } from '../client/registration.ts';
import { eachOf } from '../deployment/several.ts';
import type { Remote, Target } from '../ssh-port.ts';
import type { Host } from '../types.ts';
import type { ClientAnswers } from './answers.ts';
import type { HostDocument, ProxyDocument } from './store.ts';

/** What became of one host. A type, so that it is JSON. */
export type HostSetUp = {
  /** As it was named. */
  named: string;
  /** Name of its document. */
  host: string;
  /** What was changed on it, in words; empty: nothing was to change. */
  changed: string[];
  /** Null: only what would be done was asked. */
  registered: Registered | null;
};

export interface SetUpOptions {
  answers: ClientAnswers;
  /** Absolute path of the private key that hosts let in now; null: the proxy's. */
  key: string | null;
  dryRun: boolean;
}

/** Seconds: an agent may wait half an hour for its certificate. */
const WITHIN = 2100;

/**
 * Has hosts set themselves up, each by its own d3, over the way that is there already: an admin's key, or the proxy's. Then each is
 * taken in as it said what it is. Done again, only what is missing is done.
 * @param named names of hosts that are known, or `[USER@]ADDRESS[:PORT]`
 */
export async function setUpHosts(
  proxy: ProxyDocument,
  named: readonly string[],
  { answers, key, dryRun }: SetUpOptions,
  { admin, remote, signal }: { admin: AdminPort; remote: Pick<Remote, 'look'>; signal: AbortSignal },
): Promise<{ result: HostSetUp[]; errors: D3Error[] }> {
  const known = (await admin.documents('host').list()) as readonly HostDocument[];
  const targets = [...new Set(named)].map((word) => targetFor(word, proxy, known, answers.user));
  const ends = await eachOf(targets, async (target) => {
    const { changed, registration } = await setUpOn(
      { ...target, ...(key === null ? {} : { key }) },
      { answers, dryRun },
      { remote, signal },
    );
    const { address, port } = target.host;
    // One that is known keeps its name, whatever it calls itself.
    const isKnown = known.some(({ name }) => name === target.name);
    const said = { ...registration, port, ...(isKnown ? { name: target.name } : {}) };
    const registered = dryRun ? null : await registerHost(admin, said, { proxy: proxy.name, address, accept: false });
    return { named: target.name, host: registered?.host ?? registration.name, changed, registered };
  });
  return {
    result: ends.flatMap((end) => ('result' in end ? [end.result] : [])),
    errors: ends.flatMap((end) => ('problem' in end ? [end.problem] : [])),
  };
}

async function setUpOn(
  target: Target,
  { answers, dryRun }: Pick<SetUpOptions, 'answers' | 'dryRun'>,
  { remote, signal }: { remote: Pick<Remote, 'look'>; signal: AbortSignal },
) {
  const input = `${JSON.stringify(answers)}\n`;
  const { code, output } = await remote.look(target, scriptFor(dryRun), { signal, timeout: WITHIN, input });
  if (code === WITHOUT_D3)
    throw new D3Error('HOST_WITHOUT_D3', 'notFound', `There is no d3 on ${target.name}.`, {
      target: target.name,
      actions: ['install d3 there first', `or have its owner do it: d3 proxy answers ${answers.proxy}`],
    });
  const said = envelopeIn(output);
  const [error] = said?.errors ?? [];
  if (said === null || error !== undefined || said.result === null)
    throw new D3Error(
      'HOST_NOT_SET_UP',
      'failed',
      `${target.name} was not set up: ${error?.message ?? `its d3 ended with ${code}`}`,
      { target: target.name, actions: error?.actions ?? ['run there, and see: d3 client setup --answers FILE'] },
    );
  return { changed: said.result.changed, registration: checkRegistration(said.result.registration, target.name) };
}

const WITHOUT_D3 = 127;

/** The host's own d3 reads the answers from a file that only root has. */
function scriptFor(dryRun: boolean): string {
  return `umask 077
PATH="$PATH:/usr/local/bin"; export PATH
command -v d3 >/dev/null 2>&1 || exit ${WITHOUT_D3}
answers=$(mktemp) || exit 1
trap 'rm -f "$answers"' EXIT
trap 'exit 1' HUP INT TERM
cat > "$answers"
d3 client setup --answers "$answers" --json --no-input${dryRun ? ' --dry-run' : ''} 2>/dev/null
`;
}

interface Said {
  result: { changed: string[]; registration: unknown } | null;
  errors: { message: string; actions: string[] }[];
}

/** What a d3 on a host printed: somebody else's words, of which nothing is taken on trust. */
function envelopeIn(output: string): Said | null {
  let said: { d3?: unknown; result?: unknown; errors?: unknown };
  try {
    said = JSON.parse(output) as typeof said;
  } catch {
    return null;
  }
  if (typeof said !== 'object' || said === null || said.d3 !== 1) return null;
  const errors = (Array.isArray(said.errors) ? said.errors : []).map((one: unknown) => {
    const { message, actions } = (one ?? {}) as { message?: unknown; actions?: unknown };
    return { message: wordOf(message), actions: (Array.isArray(actions) ? actions : []).slice(0, 5).map(wordOf) };
  });
  const { changed, registration } = (said.result ?? {}) as { changed?: unknown; registration?: unknown };
  const result = Array.isArray(changed) ? { changed: changed.slice(0, 50).map(wordOf), registration } : null;
  return { result, errors };
}

function wordOf(value: unknown): string {
  return (typeof value === 'string' ? value : '').replaceAll(/\p{Cc}+/gu, ' ').slice(0, 500);
}

function targetFor(word: string, proxy: ProxyDocument, known: readonly HostDocument[], user: string): Target {
  const way = { name: proxy.name, proxy: proxy.body };
  const there = known.find(({ name }) => name.toLowerCase() === word.toLowerCase());
  if (there !== undefined) return { name: there.name, host: there.body, proxy: way };
  const [, login = user, bracketed, plain, port = '22'] =
    /^(?:([A-Za-z_][A-Za-z0-9._-]{0,63})@)?(?:\[([A-Fa-f0-9:]+)\]|([A-Za-z0-9][A-Za-z0-9.-]{0,254}))(?::(\d{1,5}))?$/.exec(
      word,
    ) ?? [];
  const address = bracketed ?? plain;
  if (address === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw new D3Error('HOST_ADDRESS', 'usage', `"${word}" is no host that is known, and no address of one.`, {
      target: word,
      actions: ['write [USER@]ADDRESS[:PORT]', 'or the name of a host: d3 deployment list --hosts'],
    });
  const host: Host = {
    schema: 'd3/host@1',
    kind: 'registered',
    address,
    port: Number(port),
    user: login,
    proxy: proxy.name,
    computer: null,
    foreman: null,
    hostKeys: [],
    facts: {},
  };
  return { name: word, host, proxy: way };
}

export function setUpText(hosts: readonly HostSetUp[]): string {
  return hosts
    .map(({ host, changed, registered }) => {
      const done = changed.length === 0 ? ['nothing to change'] : changed;
      const taken =
        registered === null ? [] : [registered.changed ? 'it is registered here' : 'it was registered here'];
      return [host, ...[...done, ...taken].map((one) => `  - ${one}`)].join('\n');
    })
    .join('\n');
}

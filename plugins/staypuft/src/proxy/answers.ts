import { writeFile } from 'node:fs/promises';
import { D3Error } from '@d3/sdk';
import { publicKeyOf } from '../ssh/host-keys.ts';
import type { ProxyDocument } from './store.ts';

/** What `d3 client setup` reads on a host, `d3/client-answers@1`. Nothing in it is secret. */
export type ClientAnswers = {
  schema: 'd3/client-answers@1';
  /** Name of the proxy d3 comes through. */
  proxy: string;
  /** Whose authorized_keys the key goes into. */
  user: string;
  /** `type base64 comment`. */
  publicKey: string;
  /** From where alone the key is taken, as sshd reads it; null: from anywhere. */
  from: string | null;
  /** What alone the key may run; null: anything. */
  command: string | null;
  /** The Puppet server; null: Puppet is left alone. */
  server: string | null;
  /** Its certificate authority; null: the server. */
  caServer: string | null;
  environment: string | null;
};

const FIELDS = ['proxy', 'user', 'publicKey', 'from', 'command', 'server', 'caServer', 'environment'] as const;
const HOST_NAME = /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/;

/** @throws D3Error refused `PROXY_WITHOUT_KEY`; usage as {@link checkAnswers} */
export function answersOf(
  { name, body }: ProxyDocument,
  said: { user?: string; server?: string; caServer?: string; environment?: string; from?: string; command?: string },
): ClientAnswers {
  if (body.publicKey === null)
    throw new D3Error('PROXY_WITHOUT_KEY', 'refused', `No public key of the proxy ${name} is known.`, {
      target: name,
      actions: [`make one, or read it: d3 proxy key ${name}`],
    });
  const { user = 'root', server = null, caServer = null, from = null, command = null } = said;
  const environment = said.environment ?? (server === null ? null : 'discovery');
  return checkAnswers(
    {
      schema: 'd3/client-answers@1',
      proxy: name,
      user,
      publicKey: body.publicKey,
      from,
      command,
      server,
      caServer,
      environment,
    },
    name,
  );
}

/** @throws D3Error usage `CLIENT_ANSWERS` for what is no file of answers; refused `SCHEMA_NEWER` */
export function checkAnswers(value: unknown, target: string): ClientAnswers {
  const wrong = (text: string) =>
    new D3Error('CLIENT_ANSWERS', 'usage', `${target}: ${text}.`, {
      target,
      actions: ['make it anew on the controller: d3 proxy answers NAME'],
    });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('this is no file of answers');
  const all = value as Record<string, unknown>;
  const { schema } = all;
  if (typeof schema === 'string' && /^d3\/client-answers@\d+$/.test(schema) && schema !== 'd3/client-answers@1')
    throw new D3Error('SCHEMA_NEWER', 'refused', `${target} is ${schema}, which a newer d3 reads.`, { target });
  if (schema !== 'd3/client-answers@1') throw wrong('it is no d3/client-answers@1');
  for (const field of FIELDS) {
    const is = all[field];
    if (is !== null && typeof is !== 'string') throw wrong(`${field} is missing, or no text`);
    if (is !== null && /\p{Cc}/u.test(is)) throw wrong(`${field} has control characters`);
  }
  const answers = Object.fromEntries([
    ['schema', schema],
    ...FIELDS.map((field) => [field, all[field]]),
  ]) as ClientAnswers;
  const { proxy, user, publicKey, server, caServer, environment, from } = answers;
  if (!proxy) throw wrong('proxy is missing');
  if (!/^[A-Za-z_][A-Za-z0-9._-]{0,63}$/.test(user ?? '')) throw wrong(`"${user}" is no account`);
  if (publicKeyOf(publicKey ?? '') === null) throw wrong('publicKey is no public key');
  for (const name of [server, caServer])
    if (name !== null && !HOST_NAME.test(name)) throw wrong(`"${name}" is no name of a server`);
  if (environment !== null && !/^\w{1,100}$/.test(environment)) throw wrong(`"${environment}" is no environment`);
  if (from !== null && !/^[A-Za-z0-9.,:*?!/_-]{1,1000}$/.test(from)) throw wrong(`"${from}" is no list of addresses`);
  return answers;
}

function answersText(answers: ClientAnswers): string {
  return `${JSON.stringify(answers, null, 2)}\n`;
}

/** What somebody pastes into a terminal of the host. */
export function instructions(answers: ClientAnswers): string {
  return `cat > d3-answers.json <<'D3_ANSWERS'\n${answersText(answers)}D3_ANSWERS\nsudo d3 client setup --answers d3-answers.json\n`;
}

export async function writeAnswers(file: string, answers: ClientAnswers): Promise<void> {
  await writeFile(file, answersText(answers));
}

import { Agent } from 'node:https';
import { rootCertificates } from 'node:tls';
import { D3Error } from '@d3/sdk';
import { type Facts } from './network.ts';
import { factsOf } from './records.ts';
import { causeWords, wordsOf } from './refusal.ts';

/** The little proxy on a discovery image: it tells its facts and restarts its machine. */
export interface Image {
  /** Where it is asked, for messages. */
  url: string;
  /** Its facts; null: nothing answers there. */
  facts(signal: AbortSignal): Promise<Facts | null>;
  /** @throws D3Error failed `IMAGE_NOT_RESTARTED`, naming the host and the address, also where it said no with 200 */
  restart(signal: AbortSignal): Promise<void>;
}

export interface ImageOptions {
  /** Of the host, for messages. */
  name: string;
  ip: string;
  port: number;
  /** A smart proxy through which it is asked; null: directly. */
  through: string | null;
  /** Certificates (PEM) that the proxy's is held against besides those of the system. */
  ca: string | null;
  /** Milliseconds each call has. */
  within?: number;
}

const SECOND = 1000;

/**
 * @param options of the machine. An image makes its certificate as it boots, so nobody can check it: it is told no secret, and what it says
 *   is only held against what Foreman knows of it.
 */
export function imageOf({ name, ip, port, through, ca, within = 10 * SECOND }: ImageOptions): Image {
  const literal = ip.includes(':') ? `[${ip}]` : ip;
  const url = through === null ? `https://${literal}:${port}` : `${through.replace(/\/+$/, '')}/discovery/${ip}`;
  const ask = async (method: 'GET' | 'PUT', path: string, signal: AbortSignal) => {
    const { default: got } = await import('got');
    const agent = new Agent({ keepAlive: false });
    const reply = await got(`${url}${path}`, {
      method,
      headers: { accept: 'application/json' },
      https: {
        rejectUnauthorized: through !== null,
        ...(ca === null ? {} : { certificateAuthority: [...rootCertificates, ca] }),
      },
      agent: { https: agent },
      timeout: { request: within },
      retry: { limit: 0 },
      throwHttpErrors: false,
      followRedirect: false,
      signal,
    });
    return { status: reply.statusCode, body: reply.body };
  };
  return {
    url,
    async facts(signal) {
      try {
        const { status, body } = await ask('GET', '/inventory/facter', signal);
        return status === 200 ? factsOf(JSON.parse(body)) : null;
      } catch {
        signal.throwIfAborted();
        return null;
      }
    },
    async restart(signal) {
      const where = `${url}/power/reboot`;
      let said: string | null;
      try {
        const answer = await ask('PUT', '/power/reboot', signal);
        said = answer.status === 200 ? refusedIn(answer.body) : `it answered ${answer.status}, ${wordsOf(answer.body)}`;
      } catch (error) {
        signal.throwIfAborted();
        // It may have gone down before it answered; whether it did is seen.
        if ((error as { code?: string }).code === 'ECONNRESET') return;
        said = causeWords(error);
      }
      if (said === null) return;
      throw new D3Error('IMAGE_NOT_RESTARTED', 'failed', `${name} was not restarted by PUT ${where}: ${said}`, {
        target: name,
        actions: [`Restart ${name} by hand, or see why its discovery image does not, then: d3 deployment retry`],
      });
    },
  };
}

/** What an answer of 200 says that is no success; null: it is one. Foreman and its proxies put errors into such answers. */
export function refusedIn(body: string): string | null {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return body.trim() === '' ? null : wordsOf(body);
  }
  if (json === null || typeof json !== 'object') return null;
  const { result, error, success, message } = json as Record<string, unknown>;
  if (result === false || success === false || (error !== undefined && error !== null && error !== false))
    return wordsOf(body) || 'it said no';
  // The exception of a restart that went wrong is rendered as a message and nothing else.
  if (result === undefined && success === undefined && Object.keys(json).length === 1 && typeof message === 'string')
    return wordsOf(body);
  return null;
}

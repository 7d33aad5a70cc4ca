import type { SendRequest, Sent } from '@d3/sdk';
import { readCertificates, whyUnreachable } from './http.ts';

/** Milliseconds between two tries. */
const PAUSE = 1000;
/** Bytes of an answer; nobody reads it. */
const MOST = 64 * 1024;
const AGAIN = [408, 429, 500, 502, 503, 504];

/**
 * Sends a JSON document by POST. Neither the address nor what was answered is in what is returned: both may be secrets.
 * @param options `ca`: file of certificates that are trusted besides the system's; null: none
 * @throws the reason of the signal; nothing else
 */
export async function sendJson(
  { url, body, headers = {}, within, tries }: SendRequest,
  { ca, signal }: { ca: string | null; signal: AbortSignal },
): Promise<Sent> {
  const { default: got } = await import('got');
  const { rootCertificates } = await import('node:tls');
  const tooMuch = new AbortController();
  try {
    const certificates = ca === null ? {} : { certificateAuthority: [...rootCertificates, await readCertificates(ca)] };
    const request = got.post(url, {
      https: certificates,
      body: JSON.stringify(body),
      headers: { 'user-agent': 'd3', ...headers, 'content-type': 'application/json' },
      throwHttpErrors: false,
      // Whoever redirects what is sent here sends it to somebody nobody named.
      followRedirect: false,
      timeout: { request: within },
      retry: {
        limit: tries - 1,
        methods: ['POST'],
        statusCodes: AGAIN,
        calculateDelay: ({ computedValue }) => (computedValue === 0 ? 0 : PAUSE),
      },
      signal: AbortSignal.any([signal, tooMuch.signal]),
    });
    void request.on('downloadProgress', ({ transferred }) => {
      if (transferred > MOST) tooMuch.abort();
    });
    const { statusCode } = await request;
    return { kind: 'answered', status: statusCode };
  } catch (error) {
    signal.throwIfAborted();
    if (tooMuch.signal.aborted) return { kind: 'failed', why: 'its answer is too large' };
    const { name, code } = error as NodeJS.ErrnoException;
    // Never its own words: the address may be in them.
    return { kind: 'failed', why: whyUnreachable({ name, code: code ?? '', message: 'it cannot be reached' }) };
  }
}

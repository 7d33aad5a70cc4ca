import { request as askPlain } from 'node:http';
import { request as askSecure } from 'node:https';

const NOBODY = /^(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENETDOWN|EPIPE)$/;

/**
 * Whether somebody answers there, with anything at all.
 * @param address over http or https
 * @param limit milliseconds
 * @returns why not, or null
 */
export function whyUnreachable(address: URL, limit: number): Promise<string | null> {
  return new Promise((resolve) => {
    const done = (why: string | null) => {
      clearTimeout(timer);
      asked.destroy();
      resolve(why);
    };
    const timer = setTimeout(() => done(`no answer within ${limit / 1000} s`), limit);
    const asked = ask(address, () => done(null));
    // Whoever answers with something that is not understood, as a certificate of nobody's, is there.
    asked.on('error', ({ code = '' }: NodeJS.ErrnoException) => done(NOBODY.test(code) ? code : null));
  });
}

function ask(address: URL, answered: () => void) {
  const request = address.protocol === 'http:' ? askPlain : askSecure;
  return request(address, { method: 'HEAD', agent: false }, answered).end();
}

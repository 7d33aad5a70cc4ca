import { readFile } from 'node:fs/promises';
import { D3Error } from '@d3/sdk';

/** What everything that speaks to servers has in common. */

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|EPROTO|SSL/;

/** In words, for a sentence about the server. */
export function whyUnreachable(error: NodeJS.ErrnoException): string {
  const { code = '', message } = error;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'there is no such host';
  if (code === 'ECONNREFUSED') return 'its host refused the connection';
  if (code === 'ETIMEDOUT') return 'it did not answer in time';
  if (CERTIFICATE.test(code)) return `its certificate is not accepted (${message})`;
  if (code === 'ECONNRESET' || code === 'ERR_READING_RESPONSE_STREAM' || code === 'EPIPE')
    return 'the connection was cut';
  return message;
}

/** @throws D3Error usage `CA_UNREADABLE` */
export async function readCertificates(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new D3Error('CA_UNREADABLE', 'usage', `The certificates of http.ca cannot be read: ${error.message}.`, {
      target: file,
      cause: error,
    });
  });
}

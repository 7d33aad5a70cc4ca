import { D3Error } from '@d3/sdk';

/** What ssh says when it does not get through, put into words. Pure. */

export type Trouble =
  /** It may pass by itself. */
  | 'transport'
  /** sshd takes no more connections at the moment: nothing was begun, and the next try may do. */
  | 'crowded'
  | 'key'
  | 'host-key-changed'
  | 'host-key-unknown'
  | 'no-shell';

/** @param said what ssh itself printed */
export function troubleOf(said: string): Trouble {
  if (
    /REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY|Host key for .* has changed|host certificate .*(?:revoked|invalid)/i.test(
      said,
    )
  )
    return 'host-key-changed';
  if (/Host key verification failed|No \S+ host key is known|Host certificate (?:authority|.*not)/i.test(said))
    return 'host-key-unknown';
  if (
    /Permission denied \(|Too many authentication failures|bad permissions|UNPROTECTED PRIVATE KEY|Load key .*:|no mutual signature/i.test(
      said,
    )
  )
    return 'key';
  if (
    /Stdio forwarding request failed|open failed|Connection refused|No route to host|Could not resolve|timed out|unreachable/i.test(
      said,
    )
  )
    return 'transport';
  if (
    /kex_exchange_identification|ssh_exchange_identification|Exceeded MaxStartups|Not allowed at this time|Connection (?:closed|reset) by \S+ port/i.test(
      said,
    )
  )
    return 'crowded';
  return 'transport';
}

/** Where ssh did not get to. */
export interface Place {
  kind: 'host' | 'proxy';
  /** Name of the document. */
  name: string;
  user: string;
  address: string;
  port: number;
  /** Name of the proxy it is reached through; null: from here. */
  through: string | null;
}

/** The error for it. @param said what ssh printed */
export function failureOf(trouble: Trouble, place: Place, said: string): D3Error {
  const at = `${place.user}@${place.address}${place.port === 22 ? '' : ` port ${place.port}`}`;
  const way = place.through === null ? '' : ` through the proxy ${place.through}`;
  const whose = `${place.kind} ${place.name} (${at})`;
  const last = said
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '' && !/^[@\s]*$/.test(line));
  const because = last === undefined ? '' : `: ${last.replaceAll(/\p{Cc}/gu, '?').replace(/\.$/, '')}`;
  const test = place.kind === 'host' && place.through !== null ? `d3 proxy test ${place.through} ${place.name}` : null;
  const options = (actions: (string | null)[]) => ({
    target: place.name,
    actions: actions.filter((one) => one !== null),
  });
  switch (trouble) {
    case 'key':
      return new D3Error(
        'SSH_REFUSED_KEY',
        'notAuthorised',
        `The ${whose} does not take the key${way}${because}.`,
        options([
          place.kind === 'host'
            ? 'run d3 client setup --answers FILE on it, or add the public key to its authorized_keys'
            : `add its public key (d3 proxy key ${place.name}) to authorized_keys of ${place.user} there`,
          test,
        ]),
      );
    case 'host-key-changed':
      return new D3Error(
        'SSH_HOST_KEY_CHANGED',
        'verificationFailed',
        `The ${whose} shows another host key than the one that is known${way}; nothing was sent to it.`,
        options([
          'find out why: it was installed anew, or somebody stands in between',
          place.kind === 'host' && place.through !== null
            ? `if it was installed anew: d3 proxy hostkeys ${place.through} ${place.name} --accept`
            : place.kind === 'proxy'
              ? `if it was installed anew: d3 proxy hostkeys ${place.name} --accept`
              : null,
        ]),
      );
    case 'host-key-unknown':
      return new D3Error(
        'SSH_HOST_KEY_UNKNOWN',
        'verificationFailed',
        `No host key is known that the ${whose} shows${way}; nothing was sent to it.`,
        options([
          place.kind === 'proxy'
            ? `compare and take it: d3 proxy hostkeys ${place.name} --accept`
            : place.through === null
              ? 'write its host key into the host document'
              : `compare and take it: d3 proxy hostkeys ${place.through} ${place.name} --accept`,
        ]),
      );
    case 'no-shell':
      return new D3Error(
        'SSH_NO_SHELL',
        'notAuthorised',
        `The ${whose} took the key but ran nothing${way}${because}.`,
        options([`see that the account ${place.user} has a shell there and may run commands`, test]),
      );
    default:
      return new D3Error(
        'SSH_UNREACHABLE',
        'failed',
        `The ${whose} is not reached${way}${because}.`,
        options([
          trouble === 'crowded'
            ? 'its sshd takes no more connections now (MaxStartups): lower --opening of the proxy, or try again later'
            : 'see that it is on, and that its address and port are right',
          test,
        ]),
      );
  }
}

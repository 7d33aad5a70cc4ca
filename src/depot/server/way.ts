import { BlockList, isIP } from 'node:net';
import { D3Error } from '@d3/sdk';
import type { FastifyRequest } from 'fastify';

/** Tells whether what somebody sent could be read on its way here. */
export class Way {
  /** Null: it comes by TLS, or from this host alone, as the server listens. */
  readonly #private: BlockList | null = null;

  /** @param proxies addresses or ranges of proxies in front, which do TLS */
  constructor(isTls: boolean, proxies: readonly string[]) {
    if (isTls || proxies.length === 0) return;
    this.#private = new BlockList();
    for (const proxy of ['127.0.0.0/8', '::1', ...proxies]) {
      const [address = '', prefix] = proxy.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (prefix === undefined) this.#private.addAddress(address, family);
      else this.#private.addSubnet(address, Number(prefix), family);
    }
  }

  /** @throws D3Error notAuthorised for a secret that came past the proxy */
  refuseInTheClear({ socket }: Pick<FastifyRequest, 'socket'>): void {
    if (this.#private === null) return;
    const { remoteAddress = '' } = socket;
    if (isIP(remoteAddress) === 0 || this.#private.check(remoteAddress, isIP(remoteAddress) === 6 ? 'ipv6' : 'ipv4'))
      return;
    throw new D3Error('IN_THE_CLEAR', 'notAuthorised', 'That came past the proxy, where everybody could read it.', {
      target: 'authorization',
      actions: ['use the address of the proxy, by https:', 'what was sent may be known to others: have it replaced'],
    });
  }
}

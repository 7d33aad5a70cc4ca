import { D3Error } from '@d3/sdk';

/** Names d3 writes itself, or that name nobody. */
const NOBODY = ['', 'root', 'unknown', 'auto-installed', 'unknown-puppyq', 'puppy-install', 'imported-from-jamf'];

/** The environment variables a person's name is looked for in, in order. */
const SOURCES = ['USER', 'SUDO_USER', 'SSH_CLIENT_USER'];
const NAME = /^(?!\s)[^\p{Cc}]{1,64}(?<!\s)$/u;

/**
 * Who does this. A name given is taken or refused; without one the environment's, then the configured one.
 * @param given by `--admin`, or undefined
 * @param prohibited further names nobody may act as, in any case
 * @throws D3Error usage (2) when nobody is named or the given name names nobody
 */
export function adminName(
  given: string | undefined,
  configured: string | null,
  prohibited: readonly string[],
  environment: NodeJS.ProcessEnv,
): string {
  const names = (name: string | undefined | null): name is string =>
    name !== undefined &&
    name !== null &&
    !NOBODY.includes(name.toLowerCase()) &&
    !prohibited.some((other) => other.toLowerCase() === name.toLowerCase()) &&
    NAME.test(name);
  if (given !== undefined) {
    if (names(given)) return given;
    throw new D3Error('ADMIN_NAME', 'usage', `"${String(given)}" names no person.`, {
      target: '--admin',
      actions: ['name the person who does this: --admin NAME'],
    });
  }
  const found = [...SOURCES.map((source) => environment[source]), configured].find(names);
  if (found !== undefined) return found;
  throw new D3Error('ADMIN_NAME', 'usage', 'd3 does not know who does this.', {
    target: '--admin',
    actions: ['name the person: -a NAME with d3, --admin NAME with d3admin'],
  });
}

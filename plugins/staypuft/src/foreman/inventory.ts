import { D3Error, D3Errors, EXIT_CODES } from '@d3/sdk';
import type { Host } from '../types.ts';
import type { Found } from './discover.ts';

const ADDRESS = /^[A-Za-z0-9:][A-Za-z0-9._:%-]{0,254}$/;
const USER = /^[A-Za-z_][A-Za-z0-9._-]{0,63}$/;
const KEY = /^(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*(?: .*)?$/;
const REGISTRATION = 'd3/client-registration@1';

type Raw = Readonly<Record<string, unknown>>;

/**
 * Hosts as a file says them: `hosts:` with names and addresses, or what `d3 client setup` printed on them, one or many. Every problem is
 * told at once.
 * @param text YAML, or JSON
 * @throws D3Errors usage
 */
export async function hostsIn(text: string, file: string): Promise<Found[]> {
  const { parseAllDocuments } = await import('yaml');
  const documents = parseAllDocuments(text, { schema: 'core', uniqueKeys: true });
  const broken = documents.flatMap(({ errors }) => errors);
  if (broken[0] !== undefined) throw problem(file, broken[0].message.split('\n')[0] as string);
  const said = documents.map((one) => one.toJS() as unknown);
  const rows = said.flatMap(rowsOf);
  const problems: D3Error[] = [];
  const found: Found[] = [];
  for (const [index, row] of rows.entries()) {
    const one = read(row);
    if (typeof one === 'string') problems.push(problem(file, `host ${index + 1}: ${one}`));
    else if (found.some(({ name }) => name.toLowerCase() === one.name.toLowerCase()))
      problems.push(problem(file, `host ${index + 1}: ${one.name} is named twice`));
    else found.push(one);
  }
  if (rows.length === 0) problems.push(problem(file, 'it names no hosts'));
  if (problems.length > 0) throw new D3Errors(problems, EXIT_CODES.usage.code);
  return found;
}

function rowsOf(said: unknown): Raw[] {
  if (Array.isArray(said)) return said.flatMap(rowsOf);
  if (said === null || typeof said !== 'object') return [{ name: said }];
  const { hosts } = said as Raw;
  if (Array.isArray(hosts)) return hosts.flatMap(rowsOf);
  if (hosts !== null && typeof hosts === 'object')
    return Object.entries(hosts).map(([name, rest]) => ({ name, ...((rest ?? {}) as Raw) }));
  return [said as Raw];
}

/** A host, or what is wrong with it. */
function read(row: Raw): Found | string {
  if (row['schema'] !== undefined && row['schema'] !== REGISTRATION)
    return `its schema is ${JSON.stringify(row['schema'])}, not ${REGISTRATION}`;
  const { name, address = name, port = 22, user = 'root', proxy = null, hostKeys = [], facts = {} } = row;
  if (typeof name !== 'string' || name === '' || name.length > 255) return 'it has no name';
  if (typeof address !== 'string' || !ADDRESS.test(address)) return `${name} has no address that can be connected to`;
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535) return `${name} has no such port`;
  if (typeof user !== 'string' || !USER.test(user)) return `${name} has no such user`;
  if (proxy !== null && (typeof proxy !== 'string' || proxy === '')) return `the proxy of ${name} is no name`;
  if (!Array.isArray(hostKeys) || !hostKeys.every((one) => typeof one === 'string' && KEY.test(one)))
    return `the hostKeys of ${name} are not public keys, "type base64" each`;
  if (facts === null || typeof facts !== 'object' || Array.isArray(facts))
    return `the facts of ${name} are no names and values`;
  const { foreman: _, ...known } = facts as Host['facts'];
  const host: Host = {
    schema: 'd3/host@1',
    kind: row['schema'] === REGISTRATION ? 'registered' : 'ssh',
    address,
    port: port as number,
    user,
    proxy,
    computer: null,
    foreman: null,
    hostKeys: hostKeys.map((one: string) => one.split(' ').slice(0, 2).join(' ')),
    facts: known,
  };
  return { name, host };
}

function problem(file: string, why: string): D3Error {
  return new D3Error('BAD_INVENTORY', 'usage', `${file}: ${why}`, {
    target: file,
    actions: ['Write it as in docs/deployments.md: hosts, each with a name and an address.'],
  });
}

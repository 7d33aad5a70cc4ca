import { D3Error } from '@d3/sdk';
import { listIn, readClassic, textIn } from './classic.ts';
import type { Caller } from './connection.ts';

/** A policy as far as d3 asks about it; it is only read, so what else is in it stays as it is. */
export interface JamfPolicy {
  id: string;
  name: string;
  enabled: boolean;
  /** Its custom event; null where it has none. */
  event: string | null;
  packages: { id: string; name: string; action: string }[];
  scripts: { id: string; name: string; priority: string }[];
}

/** Which policies use what: names by the id of a package and of a script. */
export interface PolicyUses {
  packages: ReadonlyMap<string, readonly string[]>;
  scripts: ReadonlyMap<string, readonly string[]>;
}

export async function listPolicies(caller: Caller): Promise<{ id: string; name: string }[]> {
  const policies = await readClassic(caller, 'policies', 'policies');
  return listIn(policies, [], 'policy').map((one) => ({
    id: textIn(one, ['id']) ?? '',
    name: textIn(one, ['name']) ?? '',
  }));
}

/** @throws D3Error notFound (34) */
export async function readPolicy(caller: Caller, which: { id: string } | { name: string }): Promise<JamfPolicy> {
  const policy =
    'id' in which
      ? await readClassic(caller, 'policy', 'policy', { id: which.id })
      : await readClassic(caller, 'policyByName', 'policy', { name: which.name });
  return {
    id: textIn(policy, ['general', 'id']) ?? '',
    name: textIn(policy, ['general', 'name']) ?? '',
    enabled: textIn(policy, ['general', 'enabled']) === 'true',
    event: textIn(policy, ['general', 'trigger_other']) || null,
    packages: listIn(policy, ['package_configuration', 'packages'], 'package').map((one) => ({
      id: textIn(one, ['id']) ?? '',
      name: textIn(one, ['name']) ?? '',
      action: textIn(one, ['action']) ?? '',
    })),
    scripts: listIn(policy, ['scripts'], 'script').map((one) => ({
      id: textIn(one, ['id']) ?? '',
      name: textIn(one, ['name']) ?? '',
      priority: textIn(one, ['priority']) ?? '',
    })),
  };
}

/** Reads every policy: which of them use a package or a script. One that is deleted meanwhile uses nothing. */
export async function readPolicyUses(caller: Caller): Promise<PolicyUses> {
  const uses = { packages: new Map<string, string[]>(), scripts: new Map<string, string[]>() };
  const note = (map: Map<string, string[]>, id: string, name: string) => map.set(id, [...(map.get(id) ?? []), name]);
  const policies = await listPolicies(caller);
  const read = await Promise.all(policies.map(async ({ id }) => unlessGone(readPolicy(caller, { id }))));
  for (const policy of read) {
    for (const { id } of policy?.packages ?? []) note(uses.packages, id, policy?.name ?? '');
    for (const { id } of policy?.scripts ?? []) note(uses.scripts, id, policy?.name ?? '');
  }
  return uses;
}

async function unlessGone(work: Promise<JamfPolicy>): Promise<JamfPolicy | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof D3Error && error.code === 'JAMF_NOT_FOUND') return null;
    throw error;
  }
}

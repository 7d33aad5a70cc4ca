import { type AdminPort, D3Error } from '@d3/sdk';
import { changeDocument, type Kept } from '../documents.ts';
import { blueprintOf } from '../rules/blueprint.ts';
import { problemsError } from '../rules/problems.ts';
import type { Assignment, Blueprint, Deployment, Host, NamedHost, Role } from '../types.ts';

/** What deployments use of a depot. */
export type Admin = Pick<AdminPort, 'documents' | 'computers' | 'by'>;

/** @param name in any case @throws D3Error notFound (34) */
export async function deploymentNamed(admin: Admin, name: string): Promise<Kept<Deployment>> {
  const found = await admin.documents('deployment').byName(name);
  if (found !== null) return found as Kept<Deployment>;
  throw new D3Error('DEPLOYMENT_NOT_FOUND', 'notFound', `There is no deployment called ${name}.`, {
    target: name,
    actions: [
      'see what there is: d3 deployment list',
      `or make it: d3 deployment create ${name} --blueprint BLUEPRINT`,
    ],
  });
}

/** By name. */
export async function allDeployments(admin: Admin): Promise<readonly Kept<Deployment>[]> {
  return (await admin.documents('deployment').list()) as readonly Kept<Deployment>[];
}

/**
 * The blueprint of a deployment, or any, as it is now.
 * @param name in any case
 * @throws D3Error notFound (34); D3Errors refused for one that somebody wrote past d3 and that is not sound
 */
export async function blueprintNamed(admin: Admin, name: string): Promise<Kept<Blueprint>> {
  const found = await admin.documents('blueprint').byName(name);
  if (found === null) {
    throw new D3Error('BLUEPRINT_NOT_FOUND', 'notFound', `There is no blueprint called ${name}.`, {
      target: name,
      actions: ['see what there is: d3 blueprint list', 'or bring one in: d3 blueprint import FILE'],
    });
  }
  const { blueprint, problems } = blueprintOf(found.body);
  if (blueprint === null) throw problemsError('BLUEPRINT_INVALID', `The blueprint ${found.name}`, found.name, problems);
  return { ...found, body: blueprint };
}

/** All hosts that are known, by the names of their documents in small letters: names count in any case. */
export async function hostsByName(admin: Admin): Promise<ReadonlyMap<string, NamedHost>> {
  const documents = await admin.documents('host').list();
  return new Map(documents.map(({ name, body }) => [name.toLowerCase(), { name, host: body as Host }]));
}

export function rolesIn(blueprint: Blueprint): readonly Role[] {
  return blueprint.roles;
}

export function hostsIn(deployment: Deployment): readonly Assignment[] {
  return deployment.hosts;
}

/** A deployment with other hosts in it. */
export function withHosts(deployment: Deployment, hosts: readonly Assignment[]): Deployment {
  return { ...deployment, hosts: hosts as Deployment['hosts'] };
}

/**
 * Changes a deployment as it is at this moment; where somebody was faster, the change is made again on what they wrote.
 * @param change what it becomes; the very same when nothing has to be written. What it throws ends all.
 */
export async function changeDeployment(
  admin: Admin,
  name: string,
  change: (body: Deployment) => Deployment,
): Promise<Kept<Deployment>> {
  return (await changeDocument(admin.documents('deployment'), name, change)) ?? deploymentNamed(admin, name);
}

/** @throws D3Error refused where there is one of this name already */
export async function createDeployment(admin: Admin, name: string, body: Deployment): Promise<Kept<Deployment>> {
  return (await admin.documents('deployment').create(name, body)) as Kept<Deployment>;
}

/** @throws D3Error notFound where the blueprint has no such role */
export function roleNamed(blueprint: Kept<Blueprint>, name: string): Role {
  const found = rolesIn(blueprint.body).find((role) => role.name === name);
  if (found !== undefined) return found;
  const names = rolesIn(blueprint.body).map((role) => role.name);
  throw new D3Error('ROLE_NOT_FOUND', 'notFound', `The blueprint ${blueprint.name} has no role called ${name}.`, {
    target: name,
    actions: [`its roles are ${names.join(', ')}`],
  });
}

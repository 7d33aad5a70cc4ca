import { readFile, stat } from 'node:fs/promises';
import { D3Error, type Json } from '@d3/sdk';
import { blueprintOf, readBlueprint, writeBlueprint } from '../rules/blueprint.ts';
import { titleOf } from '../rules/host-steps.ts';
import { refuseName } from '../rules/names.ts';
import { levels } from '../rules/order.ts';
import { problemsError } from '../rules/problems.ts';
import type { Blueprint, Parameter } from '../types.ts';
import { type Admin, allDeployments, blueprintNamed, rolesIn } from './store.ts';

/** Bytes of a file that is read; what is longer is no blueprint. */
const MAX_FILE = 1024 * 1024;

export type BlueprintBrief = {
  name: string;
  description: string;
  /** Names of roles, level by level. */
  order: string[][];
  /** Deployments that are made of it. */
  deployments: string[];
  /** How many things are wrong with it: somebody wrote it past d3. */
  problems: number;
};

export type BlueprintTold = {
  name: string;
  description: string;
  roles: {
    name: string;
    level: number;
    after: string[];
    mode: string;
    leader: string | null;
    batches: (string | number)[];
    abreast: number;
    maxFailures: number;
    min: number;
    max: number | null;
    hostgroup: string | null;
    steps: string[];
  }[];
  parameters: { name: string; type: string; default: Json; required: boolean; description: string }[];
  deployments: string[];
};

export type Imported = { name: string; fate: 'new' | 'replaced' | 'same'; dryRun: boolean };

/** All blueprints, by name. */
export async function listBlueprints(admin: Admin): Promise<BlueprintBrief[]> {
  const users = await usersOf(admin);
  const documents = await admin.documents('blueprint').list();
  return documents
    .map(({ name, body }): BlueprintBrief => {
      const { blueprint, problems } = blueprintOf(body);
      const order = blueprint === null ? [] : levels(rolesIn(blueprint)).map((level) => level.map((role) => role.name));
      return {
        name,
        description: typeof body['description'] === 'string' ? body['description'] : '',
        order,
        deployments: users(name),
        problems: problems.length,
      };
    })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

export async function showBlueprint(admin: Admin, word: string): Promise<BlueprintTold> {
  const { name, body } = await blueprintNamed(admin, word);
  return { ...toldOf(name, body), deployments: (await usersOf(admin))(name) };
}

/** @throws D3Errors refused with all that is wrong with it */
export async function validateFile(file: string): Promise<BlueprintTold> {
  const { name, blueprint } = await blueprintIn(file);
  return toldOf(name ?? '', blueprint);
}

/**
 * Brings a blueprint in from a file.
 * @param request `name`: what it is called here; null: as it says itself
 */
export async function importBlueprint(
  admin: Admin,
  request: { file: string; name: string | null; replace: boolean; dryRun: boolean },
): Promise<Imported> {
  const { file, replace, dryRun } = request;
  const { name: own, blueprint } = await blueprintIn(file);
  const name = request.name ?? own;
  if (name === null) {
    throw new D3Error('BLUEPRINT_NAME', 'usage', `${file} does not say what the blueprint is called.`, {
      target: file,
      actions: ['write name: NAME in it', 'or say it: --name NAME'],
    });
  }
  refuseName('blueprint', name);
  const documents = admin.documents('blueprint');
  const there = await documents.byName(name);
  if (there === null) {
    if (!dryRun) await documents.create(name, blueprint);
    return { name, fate: 'new', dryRun };
  }
  if (JSON.stringify(blueprintOf(there.body).blueprint) === JSON.stringify(blueprint))
    return { name: there.name, fate: 'same', dryRun };
  if (!replace) {
    throw new D3Error('BLUEPRINT_EXISTS', 'refused', `There is another blueprint called ${there.name} already.`, {
      target: there.name,
      actions: [`put this one in its place: --replace`, 'or call it something else: --name NAME'],
    });
  }
  if (!dryRun) await documents.update(there.id, there.generation, { body: blueprint });
  return { name: there.name, fate: 'replaced', dryRun };
}

/** As YAML. @param secrets with the places where defaults of secrets are kept */
export async function exportBlueprint(
  admin: Admin,
  word: string,
  secrets: boolean,
): Promise<{ name: string; yaml: string }> {
  const { name, body } = await blueprintNamed(admin, word);
  return { name, yaml: writeBlueprint(body, { name, secrets }) };
}

/** Text of a file that somebody names. @throws D3Error notFound, usage */
export async function textOf(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= MAX_FILE) return await readFile(file, 'utf8');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = isMissing ? 'there is no such file' : (error as Error).message;
    throw new D3Error('FILE', isMissing ? 'notFound' : 'usage', `${file} cannot be read: ${why}.`, {
      target: file,
      cause: error,
    });
  }
  throw new D3Error('FILE', 'usage', `${file} is larger than 1 MiB.`, { target: file });
}

async function blueprintIn(file: string): Promise<{ name: string | null; blueprint: Blueprint }> {
  const { blueprint, name, problems } = readBlueprint(await textOf(file));
  if (blueprint === null) throw problemsError('BLUEPRINT_INVALID', file, file, problems);
  return { name, blueprint };
}

function toldOf(name: string, blueprint: Blueprint): BlueprintTold {
  const roles = levels(rolesIn(blueprint)).flatMap((level, n) => level.map((role) => ({ role, level: n })));
  return {
    name,
    description: blueprint.description,
    roles: roles.map(({ role, level }) => ({
      name: role.name,
      level,
      after: [...role.after],
      mode: role.mode,
      leader: role.leader,
      batches: [...role.batches],
      abreast: role.abreast,
      maxFailures: role.maxFailures,
      min: role.min,
      max: role.max,
      hostgroup: role.hostgroup ?? null,
      steps: role.steps.map(titleOf),
    })),
    parameters: (blueprint.parameters as readonly Parameter[]).map(
      ({ name: called, type, default: preset, required, description }) => ({
        name: called,
        type,
        default: type === 'secret' && preset !== null ? '(secret)' : preset,
        required,
        description,
      }),
    ),
    deployments: [],
  };
}

async function usersOf(admin: Admin): Promise<(blueprint: string) => string[]> {
  const deployments = await allDeployments(admin);
  return (blueprint) =>
    deployments.filter(({ body }) => body.blueprint.toLowerCase() === blueprint.toLowerCase()).map(({ name }) => name);
}

import { D3Error, type Json, throwProblems } from '@d3/sdk';
import { wholeNumber } from '../catalog/names.ts';
import { outOfScope, policiesMeant } from '../catalog/policies.ts';
import type { CatalogPolicy, Frequency, GroupRef, PolicyBody, PolicyScope, PolicyStep } from '../catalog/types.ts';
import { Fleet, type StoredDocument } from '../depot/index.ts';
import { problemsWith } from '../json-schema.ts';
import { stepProblems } from '../runs/check.ts';
import { conditionText } from '../runs/conditions.ts';
import { POLICY_NAME, policySchema } from '../runs/policy-schema.ts';
import { CORE_KINDS } from '../runs/schema.ts';
import { nameOf, type Step } from '../runs/types.ts';
import { scriptsOfSteps } from './blobs.ts';
import { groupMeant, groupsOf } from './groups.ts';
import type { PolicyFile } from './policy-file.ts';
import { pinStepScripts } from './policy-scripts.ts';
import { depotKinds } from './runs.ts';
import { type AdminSession, publish, roomOf } from './session.ts';

export type StoredPolicy = StoredDocument<PolicyBody>;

/** What an admin says of a policy; what is left out stays, or is as usual. */
export interface PolicyChanges {
  name?: string | undefined;
  /** What a file says, if one was given; single flags count more. */
  file?: PolicyFile | undefined;
  description?: string | undefined;
  events?: string[] | undefined;
  frequency?: string | undefined;
  groups?: string[] | undefined;
  excludedGroups?: string[] | undefined;
  departments?: string[] | undefined;
  buildings?: string[] | undefined;
  provisioning?: Record<string, string[]> | undefined;
  /** Steps put after those of the file, or in place of those there are: scripts, then what is to be installed. */
  scripts?: string[] | undefined;
  installs?: string[] | undefined;
}

export interface SavedPolicy {
  policy: StoredPolicy;
  warnings: string[];
}

/** As much as has to be so before scripts can be looked for in steps. */
const OBJECTS = { type: 'array', items: { type: 'object' } };

const EVERYWHERE: PolicyScope = {
  groups: ['standard'],
  excludedGroups: [],
  departments: [],
  buildings: [],
  provisioning: {},
};

/** @throws D3Errors every problem of it at once */
export async function addPolicy(name: string, changes: PolicyChanges, session: AdminSession): Promise<SavedPolicy> {
  const usual: PolicyBody = {
    schema: 'd3/policy@1',
    description: '',
    events: [],
    scope: EVERYWHERE,
    frequency: 'ongoing',
    steps: [],
  };
  return saved(null, name, usual, changes, session);
}

export async function editPolicy(policy: string, changes: PolicyChanges, session: AdminSession): Promise<SavedPolicy> {
  const before = await policyMeant(policy, session);
  return saved(before, changes.name ?? before.name, before.body, changes, session);
}

export async function listPolicies(session: AdminSession): Promise<StoredPolicy[]> {
  return session.depot.store.documents('policy').list();
}

/** Deletes a policy; what its runs did on machines stays. */
export async function deletePolicy(policy: StoredPolicy, session: AdminSession): Promise<void> {
  await session.depot.store.documents('policy').remove(policy.id, policy.generation, session.admin);
  await publish(session);
  await session.depot.removeUnused(scriptsOfSteps(policy.body.steps).map(({ sha256 }) => sha256));
}

/** @param policy its name or id @throws D3Error notFound `POLICY_NOT_FOUND` */
export async function policyMeant(policy: string, session: AdminSession): Promise<StoredPolicy> {
  const documents = session.depot.store.documents('policy');
  const id = wholeNumber(policy);
  const found = id === null ? await documents.byName(policy) : await documents.get(id);
  if (found !== null) return found;
  throw new D3Error('POLICY_NOT_FOUND', 'notFound', `There is no policy with the name or the id ${policy}.`, {
    target: policy,
    actions: ['see the policies: d3admin policy list'],
  });
}

async function saved(
  before: StoredPolicy | null,
  name: string,
  body: PolicyBody,
  changes: PolicyChanges,
  session: AdminSession,
): Promise<SavedPolicy> {
  const problems: D3Error[] = [];
  const attempt = async <Result>(work: () => Promise<Result>, otherwise: Result): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof D3Error)) throw error;
      problems.push(error);
      return otherwise;
    }
  };
  if (!new RegExp(POLICY_NAME, 'u').test(name) || name.trim() !== name) problems.push(badName(name));
  const scope = await scopeOf(body.scope, changes, (group) => attempt(() => groupId(group, session), 'standard'));
  const typed = stepsOf(body.steps, changes);
  const shape = await problemsWith(typed.steps, OBJECTS);
  const pinned = await pinStepScripts(name, shape === null ? typed : { ...typed, steps: [] }, session);
  problems.push(...pinned.problems);
  try {
    const wanted: PolicyBody = {
      schema: 'd3/policy@1',
      description: changes.description ?? changes.file?.description ?? body.description,
      events: changes.events ?? changes.file?.events ?? body.events,
      scope,
      frequency: (changes.frequency ?? changes.file?.frequency ?? body.frequency) as Frequency,
      steps: shape === null ? pinned.steps : typed.steps,
    };
    const others = (await listPolicies(session)).filter(({ id }) => id !== before?.id);
    problems.push(...(await problemsOf(name, wanted, others, session)));
    throwProblems(problems);
    const documents = session.depot.store.documents('policy');
    const { admin } = session;
    const same = before !== null && before.name === name && JSON.stringify(before.body) === JSON.stringify(wanted);
    const policy = same
      ? before
      : before === null
        ? await documents.create(name, wanted, admin)
        : await documents.update(before.id, before.generation, { name, body: wanted }, admin);
    if (!same) await publish(session);
    const dropped = scriptsOfSteps(before?.body.steps ?? []).map(({ sha256 }) => sha256);
    if (!same) await session.depot.removeUnused(dropped);
    return { policy, warnings: await warningsFor(policy, others, session) };
  } catch (error) {
    await pinned.undo();
    throw error;
  }
}

async function problemsOf(
  name: string,
  body: PolicyBody,
  others: readonly StoredPolicy[],
  session: AdminSession,
): Promise<D3Error[]> {
  const shape = await problemsWith({ ...body, steps: [{ kind: 'wait' }] }, policySchema);
  const invalid = new D3Error('POLICY_INVALID', 'usage', `The policy ${name} cannot be stored: ${shape}.`, {
    target: name,
    actions: ['see what a policy is made of: docs/policies.md'],
  });
  const kinds = new Map<string, { schema: object }>([
    ...(await depotKinds(session)),
    ...Object.entries(CORE_KINDS).map(([kind, schema]) => [kind, { schema }] as const),
  ]);
  return [
    ...(shape === null ? [] : [invalid]),
    ...(shape === null ? taken(name, body.events, others) : []),
    ...(await stepProblems(body.steps, kinds)),
  ];
}

/** A word must mean one thing: a name that is an event of another policy would hide that. */
function taken(name: string, events: readonly string[], others: readonly StoredPolicy[]): D3Error[] {
  return others.flatMap((other) => {
    const isName = (word: string) => word.toLowerCase() === other.name.toLowerCase();
    const hides = other.body.events.some((event) => event.toLowerCase() === name.toLowerCase()) ? name : null;
    const word = hides ?? events.find(isName);
    if (word === undefined) return [];
    const what = word === hides ? `an event of the policy ${other.name}` : 'the name of another policy';
    return [
      new D3Error('POLICY_WORD', 'refused', `${word} is ${what} already: it could mean either.`, {
        target: word,
        actions: ['choose another word'],
      }),
    ];
  });
}

async function scopeOf(
  before: PolicyScope,
  { file, groups, excludedGroups, departments, buildings, provisioning }: PolicyChanges,
  idOf: (group: string) => Promise<GroupRef>,
): Promise<PolicyScope> {
  const said = file?.scope ?? {};
  const ids = async (typed: (string | number)[] | undefined, kept: GroupRef[]) => {
    if (typed === undefined) return kept;
    const found: GroupRef[] = [];
    for (const group of typed) found.push(group === 'standard' ? group : await idOf(String(group)));
    return [...new Set(found)];
  };
  return {
    groups: await ids(groups ?? said.groups, before.groups),
    excludedGroups: await ids(excludedGroups ?? said.excludedGroups, before.excludedGroups),
    departments: departments ?? said.departments ?? before.departments,
    buildings: buildings ?? said.buildings ?? before.buildings,
    provisioning: provisioning ?? said.provisioning ?? before.provisioning,
  };
}

async function groupId(group: string, session: AdminSession): Promise<GroupRef> {
  return (await groupMeant(group, session)).id;
}

function stepsOf(
  before: PolicyStep[],
  { file, scripts = [], installs = [] }: PolicyChanges,
): { steps: PolicyStep[]; folder: string } {
  const more: PolicyStep[] = [
    ...scripts.map((script) => ({ kind: 'script', args: { script } })),
    ...(installs.length > 0 ? [{ kind: 'install', args: { targets: installs } }] : []),
  ];
  const given = file?.steps;
  const steps = given === undefined ? (more.length > 0 ? more : before) : [...(given as PolicyStep[]), ...more];
  return { steps, folder: file?.folder ?? '.' };
}

/** What is not wrong yet, and is likely to be when machines run it. */
async function warningsFor(
  policy: StoredPolicy,
  others: readonly StoredPolicy[],
  { depot }: AdminSession,
): Promise<string[]> {
  const all = [policy, ...others].map(shownToMachines);
  const editions = await depot.store.editions.list();
  const names = new Set(editions.flatMap(({ id, basename, edition }) => [String(id), basename, edition]));
  return policy.body.steps.flatMap((step, index) => {
    const where = `step ${index + 1} (${nameOf(step)})`;
    const { policy: word, targets = [] } = step.args as { policy?: string; targets?: string[] };
    if (step.kind === 'policy' && word !== undefined && policiesMeant(word, all).length === 0)
      return [`${where}: no policy has the id, the name or the event ${word} yet`];
    if (step.kind !== 'install') return [];
    return targets.filter((target) => !names.has(target)).map((target) => `${where}: the depot has no ${target} yet`);
  });
}

function shownToMachines({ id, name, body }: StoredPolicy): CatalogPolicy {
  return { id, name, ...body };
}

/** What a policy would come to on a computer, as far as the depot knows it. */
export interface PolicyTest {
  policy: string;
  computer: { id: string; name: string; lastContact: string };
  /** Why it is not for that computer; null when it is. */
  not: string | null;
  /** What is known of the computer's provisioning. */
  provisioning: Record<string, string>;
  steps: { name: string; kind: string; when: string | null; note: string }[];
}

/** @param computer its name or id */
export async function testPolicy(policy: string, computer: string, session: AdminSession): Promise<PolicyTest> {
  const { depot, plugins } = session;
  const { name, body } = await policyMeant(policy, session);
  const fleet = await Fleet.of(session);
  const found = fleet.find(computer);
  const { id, claims, lastContact } = found;
  const groups = await groupsOf(found, fleet, session);
  const record = { computer: id, name: found.name, serial: claims.serial };
  const { known: provisioning } = await plugins.provisioning(record, roomOf(session));
  const installed = await depot.store.computers.receipts(id);
  return {
    policy: name,
    computer: { id, name: found.name, lastContact },
    not: outOfScope(body.scope, { groups: groups.map((group) => group.id), provisioning }),
    provisioning,
    steps: (body.steps as Step[]).map((step) => ({
      name: nameOf(step),
      kind: step.kind,
      when: step.when === undefined ? null : conditionText(step.when),
      note: noteOf(step.kind, step.args, installed),
    })),
  };
}

function noteOf(
  kind: string,
  args: Record<string, Json>,
  installed: readonly { basename: string; edition: string; id: number }[],
): string {
  if (kind !== 'install' && kind !== 'uninstall') return '';
  return (args['targets'] as string[])
    .map((target) => {
      const there = installed.find(({ basename, edition, id }) => [basename, edition, String(id)].includes(target));
      return there === undefined ? `${target} is not installed there` : `${there.edition} is installed there`;
    })
    .join(', ');
}

function badName(name: string): D3Error {
  return new D3Error(
    'POLICY_NAME',
    'usage',
    `A policy cannot be called ${JSON.stringify(name)}: a name is 1 to 100 characters on one line without commas, and no number, which stands for an id.`,
    { target: name },
  );
}

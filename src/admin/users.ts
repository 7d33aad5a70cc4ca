import type { Edition, ScriptPin } from '../catalog/types.ts';
import { isDocumentKind } from '../depot/index.ts';
import type { AdminSession } from './session.ts';

const SLOTS = ['preInstall', 'postInstall', 'preRemove', 'postRemove'] as const;

/** As much of a policy as tells what it uses. */
interface PolicySteps {
  steps?: { kind?: string; args?: { targets?: unknown; script?: Partial<ScriptPin> | null } }[];
}

/** Names of the policies that install or remove this very edition; those that name its basename follow what is live. */
export async function policiesUsing({ id, edition }: Edition, session: AdminSession): Promise<string[]> {
  return (await policies(session))
    .filter(({ steps }) =>
      steps.some(
        ({ args }) =>
          Array.isArray(args?.targets) &&
          [edition, String(id)].some((name) => (args.targets as unknown[]).includes(name)),
      ),
    )
    .map(({ name }) => name);
}

/** Who uses each script, by its id, in words: editions, archived editions, policies. */
export async function scriptUsers(session: AdminSession): Promise<Map<number, string[]>> {
  const { editions } = session.depot.store;
  const users = new Map<number, string[]>();
  const uses = (pin: Partial<ScriptPin> | null | undefined, user: string) => {
    if (typeof pin?.id === 'number') users.set(pin.id, [...new Set([...(users.get(pin.id) ?? []), user])]);
  };
  for (const edition of await editions.list()) for (const slot of SLOTS) uses(edition[slot], edition.edition);
  for (const edition of await editions.archived())
    for (const slot of SLOTS) uses(edition[slot], `${edition.edition} (archived)`);
  for (const { name, steps } of await policies(session))
    for (const { args } of steps) if (typeof args?.script === 'object') uses(args.script, `the policy ${name}`);
  return users;
}

async function policies({
  depot,
}: AdminSession): Promise<{ name: string; steps: NonNullable<PolicySteps['steps']> }[]> {
  if (!isDocumentKind('policy')) return [];
  return (await depot.store.documents('policy').list()).map(({ name, body }) => ({
    name,
    steps: (body as PolicySteps).steps ?? [],
  }));
}

import { SCRIPT_SLOTS } from '../catalog/attributes.ts';
import type { Edition, ScriptPin } from '../catalog/types.ts';
import { scriptsOfSteps } from './blobs.ts';
import type { AdminSession } from './session.ts';

/** Names of the policies that install or remove this very edition; those that name its basename follow what is live. */
export async function policiesUsing({ id, edition }: Edition, { depot }: AdminSession): Promise<string[]> {
  const names: unknown[] = [edition, String(id)];
  return (await depot.store.documents('policy').list())
    .filter(({ body }) =>
      body.steps.some(
        ({ args: { targets } }) => Array.isArray(targets) && targets.some((name) => names.includes(name)),
      ),
    )
    .map(({ name }) => name);
}

/** Names of the policies that run a script. */
export async function policiesRunning(script: number, { depot }: AdminSession): Promise<string[]> {
  return (await depot.store.documents('policy').list())
    .filter(({ body }) => scriptsOfSteps(body.steps).some(({ id }) => id === script))
    .map(({ name }) => name);
}

/** Who uses each script, by its id, in words: editions, archived editions, policies. */
export async function scriptUsers({ depot }: AdminSession): Promise<Map<number, string[]>> {
  const { editions } = depot.store;
  const users = new Map<number, string[]>();
  const uses = (pin: ScriptPin | null, user: string) => {
    if (pin !== null) users.set(pin.id, [...new Set([...(users.get(pin.id) ?? []), user])]);
  };
  for (const edition of await editions.list()) for (const slot of SCRIPT_SLOTS) uses(edition[slot], edition.edition);
  for (const edition of await editions.archived())
    for (const slot of SCRIPT_SLOTS) uses(edition[slot], `${edition.edition} (archived)`);
  for (const { name, body } of await depot.store.documents('policy').list())
    for (const pin of scriptsOfSteps(body.steps)) uses(pin, `the policy ${name}`);
  return users;
}

import type { NamedHost, Proxy } from '../types.ts';
import type { Foreman } from './client.ts';
import { depotOf } from './notes.ts';
import type { ForemanContext } from './site.ts';
import { checkTemplate, renderedTemplate, TEMPLATE_NEXT } from './template.ts';

/** What stands against installing a host by what Foreman renders for it; null: nothing. */
export async function installerProblem(
  foreman: Foreman,
  { host }: NamedHost,
  context: ForemanContext,
): Promise<{ why: string; next: string } | null> {
  const template = await renderedTemplate(foreman, Number(host.foreman));
  if (template === null)
    return {
      why: 'Foreman renders no provision template for it',
      next: 'Give its operating system a provision template in Foreman',
    };
  const proxy = host.proxy === null ? null : await depotOf(context).documents('proxy').byName(host.proxy);
  const key = (proxy?.body as Proxy | undefined)?.publicKey ?? null;
  // Without a proxy it is reached by a key that this controller's account has, which nobody knows here.
  const wrong = checkTemplate(template, key === null ? [] : [key]).filter(
    ({ what, ok }) => !ok && (what !== 'key' || key !== null),
  );
  const [first] = wrong;
  if (first === undefined) return null;
  return {
    why: `its provision template: ${wrong.map(({ says }) => says).join('; ')}`,
    next: TEMPLATE_NEXT[first.what],
  };
}

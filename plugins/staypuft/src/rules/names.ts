import { D3Error } from '@d3/sdk';

/** Deployments, blueprints and roles become names of hostgroups, runs and files: so they are plain words. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/;

/** @returns why a deployment, a blueprint or a role cannot be called so, or null */
export function nameProblem(name: string): string | null {
  if (!NAME.test(name)) return 'a name is 1 to 60 letters, digits or . _ - and begins with a letter or a digit';
  return /^\d+$/.test(name) ? 'a number stands for an id' : null;
}

/** @throws D3Error usage `DEPLOYMENT_NAME` or `BLUEPRINT_NAME` */
export function refuseName(what: 'deployment' | 'blueprint', name: string): void {
  const why = nameProblem(name);
  if (why === null) return;
  throw new D3Error(
    `${what.toUpperCase()}_NAME`,
    'usage',
    `A ${what} cannot be called ${JSON.stringify(name)}: ${why}.`,
    {
      target: name,
      actions: ['choose another name'],
    },
  );
}

/** Whether text can be shown as one line: no control characters, no line ends, no halves of characters. */
export function isLine(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);
}

import { D3Error } from '@d3/sdk';
import { isRescue } from '../startup/standard-hooks.ts';

/** What a plugin calls itself and its commands. */
export interface Claims {
  name: string;
  /** Ids, aliases included. */
  commands: readonly string[];
}

/** Names that are d3's own, whoever publishes them. */
const OWN = /^@(?:d3|oclif)\/(?:cli|core|sdk|flatpkg|show|plugin-(?:help|plugins|autocomplete|not-found))$/;

/** Commands of a plugin as oclif has them, with every other name they go by. */
export function commandNames(
  commands: readonly { id: string; aliases?: readonly string[]; hiddenAliases?: readonly string[] }[],
): string[] {
  return commands.flatMap(({ id, aliases = [], hiddenAliases = [] }) => [id, ...aliases, ...hiddenAliases]);
}

/** Why a plugin may not be called what it is, or have the commands it has; null when it may. Pure. */
export function claimProblem(claims: Claims, core: readonly Claims[], others: readonly Claims[]): string | null {
  if (OWN.test(claims.name) || core.some(({ name }) => name === claims.name)) {
    return `the name ${claims.name} belongs to d3`;
  }
  for (const command of claims.commands) {
    const words = command.replaceAll(':', ' ');
    if (core.some(({ commands }) => commands.includes(command)) || isRescue(command)) {
      return `its command "${words}" is one of d3's own`;
    }
    const other = others.find(({ name, commands }) => name !== claims.name && commands.includes(command));
    if (other !== undefined) return `its command "${words}" is one of ${other.name}`;
  }
  return null;
}

/** @throws D3Error refused (30) `NAME_TAKEN` */
export function refuseTaken(claims: Claims, core: readonly Claims[], others: readonly Claims[]): void {
  const problem = claimProblem(claims, core, others);
  if (problem === null) return;
  throw new D3Error('NAME_TAKEN', 'refused', `${claims.name} is not installed: ${problem}.`, {
    target: claims.name,
    actions: ['Ask whoever makes it for another name.'],
  });
}

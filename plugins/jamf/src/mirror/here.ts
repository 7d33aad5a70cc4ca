import {
  type AdminPort,
  combineExitCodes,
  D3Error,
  D3Errors,
  type DepotEdition,
  EXIT_CODES,
  type PluginContext,
} from '@d3/sdk';
import type { CommandContext, CommandOutcome } from '@d3/sdk/command';
import type { Connection } from '../connector/connection.ts';
import { type PolicyUses, readPolicyUses } from '../connector/policies.ts';
import { withJamf } from '../site.ts';
import { type Both, type Drift, driftOf, readBoth } from './drift.ts';
import { ownedIn, typedFrom } from './fields.ts';
import { type Pushed, pushEdition, whyNot } from './push.ts';
import { removePackages, whyNeeded } from './remove.ts';

interface Here {
  connection: Connection;
  admin: AdminPort;
  ports: PluginContext;
  /** Which policies use what, read once when it is asked for. */
  uses: () => Promise<PolicyUses>;
}

function opened<Result>(
  { flags, depot, ask }: CommandContext,
  how: 'reads' | 'changes',
  work: (here: Here) => Promise<Result>,
): Promise<Result> {
  return depot(how, (admin, ports) =>
    withJamf(
      flags,
      ports,
      (connection) => {
        let uses: Promise<PolicyUses> | null = null;
        return work({ connection, admin, ports, uses: () => (uses ??= readPolicyUses(connection)) });
      },
      ask,
    ),
  );
}

/** Editions by their names or ids. @throws D3Errors notFound naming each that is none */
function editionsMeant(words: readonly string[], editions: readonly DepotEdition[]): DepotEdition[] {
  const found = words.map((word) => editions.find(({ id, edition }) => edition === word || String(id) === word));
  const unknown = words.filter((_, index) => found[index] === undefined);
  if (unknown.length > 0)
    throw new D3Errors(
      unknown.map(
        (word) =>
          new D3Error('EDITION_NOT_FOUND', 'notFound', `There is no edition ${word}`, {
            target: word,
            actions: ['See what there is: d3admin show all'],
          }),
      ),
      EXIT_CODES.notFound.code,
    );
  return [...new Set(found as DepotEdition[])];
}

/** Brings editions to Jamf Pro, one after the other; one that fails stops no other. */
export async function pushHere(context: CommandContext): Promise<CommandOutcome<Pushed[]>> {
  const { flags, args, ui, signal } = context;
  const words = (args['edition'] ?? []) as string[];
  const isAll = flags['all'] === true;
  if (isAll === words.length > 0) {
    throw new D3Error('PUSH_WHAT', 'usage', 'Which editions are meant is said by their names, or by --all', {
      target: '--all',
      actions: ['d3 jamf push EDITION…, or d3 jamf push --all'],
    });
  }
  return opened(context, 'changes', async ({ connection, admin }) => {
    const editions = await admin.editions();
    const meant = isAll ? editions.filter((one) => whyNot(one) === null) : editionsMeant(words, editions);
    const result: Pushed[] = [];
    const errors: D3Error[] = [];
    const codes: number[] = [];
    for (const edition of meant) {
      signal.throwIfAborted();
      try {
        const pushed = await pushEdition(edition, { connection, admin, ui }, !isAll);
        result.push(pushed);
        codes.push(EXIT_CODES.done.code);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof D3Error)) throw error;
        errors.push(error);
        codes.push(error.exitCode);
        // Whoever is not let in, or gets no answer, gets none for the next one either.
        if (error.exit === 'notAuthorised' || error.code === 'JAMF_UNREACHABLE') break;
      }
    }
    const warnings = result.flatMap((one) => one.warnings.map((text) => `${one.edition}: ${text}`));
    return { result, errors, warnings, exit: combineExitCodes(codes) };
  });
}

/** What was done about one; a type, so that it is JSON. */
export type Settled = Drift & { done: 'adopted' | 'pushed' | 'deleted' | null };

/** Shows how d3 and Jamf Pro differ, and makes them the same as is asked. */
export async function driftHere(context: CommandContext): Promise<CommandOutcome<Settled[]>> {
  const { flags, args } = context;
  const words = (args['edition'] ?? []) as string[];
  const [adopt, push] = [flags['adopt'] === true, flags['push'] === true];
  if (adopt && push)
    throw new D3Error('DRIFT_WHICH', 'usage', 'Either Jamf Pro is right (--adopt) or d3 is (--push)', {
      target: '--adopt',
    });
  return opened(context, adopt || push ? 'changes' : 'reads', async (here) => {
    const both = await readBoth(here.connection, here.admin);
    const meant =
      words.length === 0 ? null : new Set(editionsMeant(words, both.editions).map(({ edition }) => edition));
    const drifts = driftOf(both).filter(({ edition, state }) =>
      meant === null ? state !== 'same' : edition !== null && meant.has(edition),
    );
    const result: Settled[] = [];
    const errors: D3Error[] = [];
    const warnings: string[] = [];
    for (const drift of drifts) {
      context.signal.throwIfAborted();
      try {
        const done = adopt
          ? await adopted(drift, both, here, warnings)
          : push
            ? await pushed(drift, both, here, context, warnings)
            : null;
        result.push({ ...drift, done });
      } catch (error) {
        context.signal.throwIfAborted();
        if (!(error instanceof D3Error || error instanceof D3Errors)) throw error;
        errors.push(...(error instanceof D3Error ? [error] : error.errors));
        result.push({ ...drift, done: null });
      }
    }
    return { result, errors, warnings };
  });
}

/** Takes what was changed in Jamf Pro; its file is never taken that way. */
async function adopted(
  drift: Drift,
  both: Both,
  { connection, admin, ports }: Here,
  warnings: string[],
): Promise<Settled['done']> {
  if (drift.state !== 'differs' || drift.edition === null || drift.jamf === null) return null;
  const name = drift.edition;
  const fields = drift.differences.flatMap(({ field, changed }) =>
    field !== 'file' && changed !== 'here' ? [field] : [],
  );
  if (drift.differences.some(({ field }) => field === 'file'))
    warnings.push(`${name}: its file in Jamf Pro is another; take that in as an edition of its own: d3 jamf import`);
  if (fields.length === 0) return null;
  const there = ownedIn(both.packages.get(drift.jamf) as never);
  const category = there.categoryId === '-1' ? null : (both.categories.get(there.categoryId) ?? null);
  const { typed, unknown } = typedFrom(there, fields, category);
  for (const one of unknown) warnings.push(`${name}: d3 has no word for the system ${one}; it was left out`);
  if (typed['category'] !== undefined && category !== null) await ensureCategory(category, admin);
  const { edition, warnings: said } = await admin.edit(name, typed);
  warnings.push(...said.map((text) => `${edition.edition}: ${text}`));
  // What is the same now is noted as such; what was changed here goes there with the next push.
  const stays = drift.differences.some(({ changed }) => changed === 'here');
  if (!stays) await pushEdition(edition, { connection, admin, ui: ports.ui }, false);
  return 'adopted';
}

async function ensureCategory(name: string, admin: AdminPort): Promise<void> {
  const categories = admin.documents('category');
  if ((await categories.byName(name)) === null)
    await categories.create(name, { schema: 'd3/category@1', description: '' });
}

async function pushed(
  drift: Drift,
  both: Both,
  { connection, admin, uses }: Here,
  { ui }: CommandContext,
  warnings: string[],
): Promise<Settled['done']> {
  if (drift.state === 'stranger' || drift.state === 'same') return null;
  if (drift.state === 'orphaned') {
    const link = both.links.find(({ jamf, edition }) => jamf === drift.jamf && edition !== null);
    const edition = link?.edition as number;
    const why = await whyNeeded(edition, uses, admin);
    if (why !== null)
      throw new D3Error('JAMF_PACKAGE_NEEDED', 'refused', `Package ${drift.jamf} stays in Jamf Pro: ${why}`, {
        target: drift.packageName,
        actions: ['Take it out of these policies first.'],
      });
    await removePackages(edition, connection, admin);
    return 'deleted';
  }
  const edition = both.editions.find((one) => one.edition === drift.edition) as DepotEdition;
  const done = await pushEdition(edition, { connection, admin, ui }, true);
  warnings.push(...done.warnings.map((text) => `${done.edition}: ${text}`));
  return 'pushed';
}

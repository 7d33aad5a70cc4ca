import { stat } from 'node:fs/promises';
import { type AdminPort, combineExitCodes, D3Error, D3Errors, EXIT_CODES, type PluginContext } from '@d3/sdk';
import type { CommandContext, CommandOutcome } from '@d3/sdk/command';
import { alone } from '../alone.ts';
import type { Connection } from '../connector/connection.ts';
import { withJamf } from '../site.ts';
import { type Asked, askedBy, packageCalled, problemsOf, split, throwAll } from './check.ts';
import { Files } from './fetch.ts';
import { planTable, readPlan, writePlan } from './plan-file.ts';
import { insideOf, type Line, type Looking, proposalOf, proposals } from './proposals.ts';
import { candidatesOf, categoryOf, editionOf, type Site, survey } from './records.ts';
import { adopt, adoptable, type Fate, takeIn, told } from './take-in.ts';
import { type Said, walk } from './walk.ts';

/** A type, so that it is JSON. */
export type ImportResult = {
  dryRun: boolean;
  /** Absolute path of the plan that was written; null when none was. */
  plan: string | null;
  proposals: Line[];
  packages: Fate[];
};

interface Here {
  context: CommandContext;
  connection: Connection;
  admin: AdminPort;
  site: Site;
  looking: Looking;
}

const NONE: ImportResult = { dryRun: false, plan: null, proposals: [], packages: [] };
/** What stands on the command line for one package. */
const OF_ONE = ['basename', 'version', 'revision', 'category'] as const;

export async function importHere(context: CommandContext): Promise<CommandOutcome<ImportResult>> {
  const { flags, canAsk } = context;
  const one = flags['id'] !== undefined || flags['name'] !== undefined;
  const idle = one ? [] : OF_ONE.filter((flag) => flags[flag] !== undefined);
  if (idle.length > 0)
    throw usage(`--${idle.join(', --')}: that is said of one package`, 'Name it: --id ID or --name NAME');
  const planTo = flags['plan-to'] as string | undefined;
  if (planTo !== undefined) return writtenPlan(context, planTo);
  if (!one && flags['plan'] === undefined && !canAsk)
    throw usage('Which packages are meant is not said, and nobody is here to ask', [
      'Write a plan: d3 jamf import --plan-to plan.csv; edit it; then: d3 jamf import --plan plan.csv',
      'Or name one: d3 jamf import --id 12 --basename firefox --version 128.0.3',
    ]);
  const said = flags['plan'] !== undefined || (flags['basename'] !== undefined && flags['version'] !== undefined);
  // Whoever is asked may want to look into a file, which has to be fetched then.
  const how = flags['dry-run'] === true && said ? 'reads' : 'changes';
  return opened(context, how, async (here) => {
    const { asked, problems } = await askedFor(here);
    const { there, todo, problems: taken } = split(asked, here.site);
    throwAll([...problems, ...taken, ...(await problemsOf(unadopted(todo, here), here.admin))]);
    return carriedOut(here, there, todo);
  });
}

/** Opens Jamf Pro and the depot, and sees what both have. */
function opened<Result>(
  context: CommandContext,
  how: 'reads' | 'changes',
  work: (here: Here) => Promise<Result>,
): Promise<Result> {
  const { flags, ui, signal, ask } = context;
  const folder = (flags['files'] as string | undefined) ?? null;
  return context.depot(how, async (admin, ports: PluginContext) => {
    if (folder !== null) await requireFolder(folder);
    const worked = async (connection: Connection) => {
      const inRoom = async (room: string | null) => {
        const files = new Files({ connection, room, files: folder, report: ui, signal });
        const site = await survey(connection, admin);
        if (room !== null) await files.keepOnly(candidatesOf(site));
        return work({ context, connection, admin, site, looking: { files, fetches: flags['look'] === true } });
      };
      if (how === 'reads') return inRoom(null);
      const room = await admin.room('jamf-import');
      return alone(room, () => inRoom(room));
    };
    return withJamf(flags, ports, worked, ask);
  });
}

async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory() === true) return;
  throw new D3Error('FILES_NO_FOLDER', 'usage', `${folder} is no folder`, {
    target: '--files',
    actions: ['Mount the distribution point first, and name the folder that has its files.'],
  });
}

/** Fetching needs the depot's ground; names are only read. */
function writtenPlan(context: CommandContext, file: string): Promise<CommandOutcome<ImportResult>> {
  return opened(context, context.flags['look'] === true ? 'changes' : 'reads', async ({ site, looking }) => {
    const lines = await proposals(site, looking);
    const plan = await writePlan(file, context.csv(planTable(lines)));
    return { result: { ...NONE, plan, proposals: lines } };
  });
}

async function askedFor(here: Here): Promise<{ asked: Asked[]; problems: D3Error[] }> {
  const { flags, canAsk, ask } = here.context;
  const { site, looking, admin } = here;
  if (flags['plan'] !== undefined) return askedBy(await readPlan(flags['plan'] as string), site);
  const by = flags['id'] !== undefined ? 'id' : flags['name'] !== undefined ? 'name' : null;
  if (by === null) return { asked: await walk(ask, site, looking, admin), problems: [] };
  const jamf = packageCalled(by, flags[by] as string, site);
  const said = saidOf(flags);
  const { basename, version } = said;
  if (basename !== undefined && version !== undefined) {
    const { revision = null, category = categoryOf(site, jamf) } = said;
    const { packageName } = jamf;
    return { asked: [{ at: `--${by}`, jamf, packageName, basename, version, revision, category }], problems: [] };
  }
  const edition = editionOf(site, jamf.id);
  if (edition !== null)
    throw new D3Error('JAMF_PACKAGE_TAKEN', 'refused', `${jamf.fileName} is in d3 already, as ${edition.edition}`, {
      target: `--${by}`,
      actions: [`Look at it: d3admin show ${edition.edition}`],
    });
  if (canAsk) return { asked: await walk(ask, site, looking, admin, { jamf, said }), problems: [] };
  const line = proposalOf(jamf, site, await insideOf(jamf, looking));
  const guess = `--basename ${line.basename || 'BASENAME'} --version ${line.version || 'VERSION'}`;
  throw usage(
    `${jamf.fileName} needs ${[...(basename === undefined ? ['--basename'] : []), ...(version === undefined ? ['--version'] : [])].join(' and ')}`,
    [`Perhaps (${line.sure}: ${line.note}): d3 jamf import --id ${jamf.id} ${guess}`],
  );
}

/** What the flags say of one package. */
function saidOf(flags: CommandContext['flags']): Said {
  const { basename, version, revision, category } = flags as {
    basename?: string;
    version?: string;
    revision?: number;
    category?: string;
  };
  return {
    ...(basename === undefined ? {} : { basename }),
    ...(version === undefined ? {} : { version }),
    ...(revision === undefined ? {} : { revision }),
    ...(category === undefined ? {} : { category: category.toLowerCase() === 'none' ? null : category }),
  };
}

/** What an edition has the very file of needs no place of its own in d3: it is only linked. */
function unadopted(todo: readonly Asked[], { site }: Here): Asked[] {
  return todo.filter(({ jamf }) => adoptable(jamf, site) === null);
}

/** One after the other; what fails stops no other, but for a server or a depot that answers nobody. */
async function carriedOut(
  { context, admin, site, looking }: Here,
  there: readonly Asked[],
  todo: readonly Asked[],
): Promise<CommandOutcome<ImportResult>> {
  const { signal, ui } = context;
  const dryRun = context.flags['dry-run'] === true;
  const packages: Fate[] = there.map(({ jamf }) => ({
    ...told(jamf),
    fate: 'there',
    edition: editionOf(site, jamf.id)?.edition ?? null,
    warnings: [],
  }));
  const codes: number[] = packages.map(() => EXIT_CODES.done.code);
  const errors: D3Error[] = [];
  let stopped: D3Error | null = null;
  for (const one of todo.toSorted((a, b) => Number(a.jamf.id) - Number(b.jamf.id))) {
    signal.throwIfAborted();
    const { jamf } = one;
    if (stopped !== null) {
      packages.push({ ...told(jamf), fate: 'not tried', edition: null, warnings: [] });
      codes.push(stopped.exitCode);
      continue;
    }
    if (dryRun) {
      packages.push({
        ...told(jamf),
        fate: 'would be imported',
        edition: `${one.basename}-${one.version}`,
        warnings: [],
      });
      codes.push(EXIT_CODES.done.code);
      continue;
    }
    try {
      const linked = await adopt(jamf, site, admin);
      const fate: Fate =
        linked === null
          ? await takeIn(one, site, looking.files, admin)
          : { ...told(jamf), fate: 'linked', edition: linked.edition, warnings: [] };
      if (linked !== null) await looking.files.drop(jamf);
      packages.push(fate);
      codes.push(EXIT_CODES.done.code);
      ui({ type: 'note', target: jamf.fileName, text: `it is ${fate.edition} now, a pilot` });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof D3Error || error instanceof D3Errors)) throw error;
      const all = error instanceof D3Error ? [error] : error.errors;
      errors.push(...all);
      packages.push({ ...told(jamf), fate: 'failed', edition: null, warnings: [] });
      codes.push(error.exitCode);
      stopped = all.find(answersNobody) ?? null;
    }
  }
  const warnings = packages.flatMap((one) => one.warnings.map((text) => `${one.fileName}: ${text}`));
  return { result: { ...NONE, dryRun, packages }, errors, warnings, exit: combineExitCodes(codes) };
}

/** Trying the next would end the same. */
function answersNobody({ code, exit }: D3Error): boolean {
  return exit === 'notAuthorised' || (exit === 'depotUnreachable' && code !== 'JAMF_FILE_NOT_FETCHED');
}

function usage(text: string, actions: string | readonly string[]): D3Error {
  return new D3Error('IMPORT_NOT_SAID', 'usage', text, {
    target: 'jamf import',
    actions: typeof actions === 'string' ? [actions] : actions,
  });
}

import { type AdminPort, D3Error, D3Errors, EXIT_CODES } from '@d3/sdk';
import type { PlanRow } from './plan-file.ts';
import { formatProblem } from './proposals.ts';
import { categoryOf, editionOf, type JamfPackage, type Site } from './records.ts';
import { typedOf, type Wanted } from './take-in.ts';

/** What was asked for, and where: `line 4` of a plan, `--id`. */
export interface Asked extends Wanted {
  at: string;
}

/** Rows of a plan as what is asked for, and all that is wrong with them by themselves. */
export function askedBy(rows: readonly PlanRow[], site: Site): { asked: Asked[]; problems: D3Error[] } {
  const problems: D3Error[] = [];
  const lines = new Map<string, number>();
  const asked = rows.flatMap((row): Asked[] => {
    const at = `line ${row.line}`;
    const wrong = (code: string, exit: 'usage' | 'notFound' | 'refused', text: string, next: string) =>
      problems.push(problemAt(at, new D3Error(code, exit, text, { actions: [next] })));
    const jamf = site.packages.find(({ id }) => id === row.jamf);
    if (jamf === undefined) {
      wrong(
        'JAMF_PACKAGE_NOT_FOUND',
        'notFound',
        `Jamf Pro has no package "${row.jamf}"`,
        'Write a new plan, or take the line out.',
      );
      return [];
    }
    if (row.fileName !== null && row.fileName !== '' && !sameName(row.fileName, jamf.fileName))
      wrong(
        'JAMF_PACKAGE_CHANGED',
        'refused',
        `package ${jamf.id} of Jamf Pro has the file ${jamf.fileName}, not ${row.fileName}`,
        'Write a new plan.',
      );
    const before = lines.get(jamf.id);
    if (before !== undefined)
      wrong('PLAN_ROW_TWICE', 'refused', `package ${jamf.id} stands in line ${before} too`, 'Leave one of them.');
    lines.set(jamf.id, row.line);
    const sure = (row.sure ?? 'yes').toLowerCase();
    if (sure === 'guess')
      wrong(
        'PLAN_ROW_IS_A_GUESS',
        'usage',
        `${jamf.fileName} is still a guess`,
        'Look at it and write yes in the column sure, or take the line out.',
      );
    else if (!['yes', 'sure', 'likely', ''].includes(sure))
      wrong(
        'PLAN_ROW_INVALID',
        'usage',
        `"${row.sure}" says nothing in the column sure`,
        'Write yes, or take the line out.',
      );
    const { basename, version } = row;
    if (basename === '' || version === '')
      wrong(
        'PLAN_ROW_INCOMPLETE',
        'usage',
        `${jamf.fileName} has no ${[...(basename === '' ? ['basename'] : []), ...(version === '' ? ['version'] : [])].join(' and no ')}`,
        'Write it, or take the line out.',
      );
    const revision = row.revision === null || row.revision === '' ? null : Number(row.revision);
    if (revision !== null && !(/^\d{1,10}$/.test(row.revision ?? '') && revision >= 1)) {
      wrong(
        'PLAN_ROW_INVALID',
        'usage',
        `"${row.revision}" is no revision`,
        'Write a whole number from 1, or nothing.',
      );
      return [];
    }
    const category = row.category === null ? categoryOf(site, jamf) : noneIfEmpty(row.category);
    const packageName = row.packageName || jamf.packageName;
    return basename === '' || version === '' ? [] : [{ at, jamf, packageName, basename, version, revision, category }];
  });
  return { asked, problems };
}

/** What is in already, as it was asked for, is nothing to do; what is in as something else is a problem. */
export function split(asked: readonly Asked[], site: Site): { there: Asked[]; todo: Asked[]; problems: D3Error[] } {
  const [there, todo, problems]: [Asked[], Asked[], D3Error[]] = [[], [], []];
  for (const one of asked) {
    const edition = editionOf(site, one.jamf.id);
    if (edition === null) todo.push(one);
    else if (edition.basename === one.basename && edition.version === one.version.trim().replaceAll(/\s/gu, '_'))
      there.push(one);
    else {
      const text = `package ${one.jamf.id} of Jamf Pro is in d3 already, as ${edition.edition}`;
      const actions = [`Look at it: d3admin show ${edition.edition}`];
      problems.push(problemAt(one.at, new D3Error('JAMF_PACKAGE_TAKEN', 'refused', text, { actions })));
    }
  }
  return { there, todo, problems };
}

/** All that stands against what was asked for, before anything is done. */
export async function problemsOf(todo: readonly Asked[], admin: AdminPort): Promise<D3Error[]> {
  const problems: D3Error[] = [];
  const seen = new Map<string, string>();
  const requests: { basename: string; typed: Record<string, string> }[] = [];
  const categories = new Set((await admin.documents('category').list()).map(({ name }) => name.toLowerCase()));
  for (const one of todo) {
    const { at, jamf, basename } = one;
    const wrong = formatProblem(jamf.fileName);
    if (wrong !== null)
      problems.push(
        problemAt(
          at,
          new D3Error('JAMF_FILE_KIND', 'refused', `${jamf.fileName} cannot be taken in: ${wrong}`, {
            actions: [
              'Unpack it and add what is in it: d3admin add; for an old bundle see d3 pkg extract and d3 pkg build.',
            ],
          }),
        ),
      );
    for (const [what, key] of keysOf(one)) {
      const other = seen.get(key);
      if (other === undefined) seen.set(key, at);
      else
        problems.push(
          problemAt(
            at,
            new D3Error('PLAN_NAME_TWICE', 'refused', `${what} is that of ${other} too`, {
              actions: ['Name one of them otherwise, or take it out.'],
            }),
          ),
        );
    }
    // A category that nobody made yet is made with the package.
    const { category, ...typed } = typedOf(one);
    const known = category === undefined || category === 'none' || categories.has(category.toLowerCase());
    const unnamed = !known && !canBeCategory(category);
    if (unnamed)
      problems.push(
        problemAt(
          at,
          new D3Error('CATEGORY_INVALID', 'usage', `"${category}" cannot be a category`, {
            actions: ['Write another, or none.'],
          }),
        ),
      );
    requests.push({ basename, typed: known ? { ...typed, category: category ?? 'none' } : typed });
  }
  const found = await admin.problems(requests);
  for (const [index, { at }] of todo.entries())
    problems.push(...(found[index] ?? []).map((problem) => problemAt(at, problem)));
  return problems;
}

/** As d3admin makes them. */
function canBeCategory(name: string): boolean {
  return /^[^,\p{Cc}]{1,100}$/u.test(name) && name.trim() === name && !/^(?:standard|n|\d+)$/i.test(name);
}

/** Names that only one of several may have. */
function keysOf({ jamf, packageName, basename, version, revision }: Asked): [string, string][] {
  return [
    [`the file ${jamf.fileName}`, `file ${jamf.fileName}`],
    [`the package name ${packageName}`, `package ${packageName}`],
    ...(revision === null
      ? []
      : ([[`${basename}-${version}-${revision}`, `edition ${basename}-${version}-${revision}`.toLowerCase()]] as [
          string,
          string,
        ][])),
  ];
}

/** Every problem at once; a malformed value counts before an unknown name, that before a broken rule. */
export function throwAll(problems: readonly D3Error[]): void {
  if (problems.length === 0) return;
  const exit = (['usage', 'notFound', 'refused'] as const).find((name) => problems.some((one) => one.exit === name));
  throw new D3Errors(problems, EXIT_CODES[exit ?? 'failed'].code);
}

function problemAt(at: string, error: D3Error): D3Error {
  const { code, exit, message, actions } = error;
  return new D3Error(code, exit, `${at}: ${message}`, { target: at, actions, cause: error });
}

/** A package by its id, or by its name or its file's. */
export function packageCalled(by: 'id' | 'name', word: string, { packages }: Site): JamfPackage {
  const found =
    by === 'id'
      ? packages.filter(({ id }) => id === word)
      : packages.filter(({ packageName, fileName }) => sameName(packageName, word) || sameName(fileName, word));
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const target = `--${by}`;
  if (only === undefined)
    throw new D3Error(
      'JAMF_PACKAGE_NOT_FOUND',
      'notFound',
      `Jamf Pro has no package ${by === 'id' ? 'with the id' : 'called'} ${word}`,
      {
        target,
        actions: ['See what it has: d3 jamf import --plan-to FILE'],
      },
    );
  const ids = found.map(({ id }) => id).join(', ');
  throw new D3Error('JAMF_PACKAGE_AMBIGUOUS', 'refused', `Several packages in Jamf Pro are called ${word}: ${ids}`, {
    target,
    actions: ['Give --id with one of them.'],
  });
}

function noneIfEmpty(category: string): string | null {
  return category === '' || category.toLowerCase() === 'none' ? null : category;
}

function sameName(a: string, b: string): boolean {
  return a.normalize('NFC') === b.normalize('NFC');
}

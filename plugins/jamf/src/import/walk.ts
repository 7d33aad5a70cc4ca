import type { AdminPort, Questions } from '@d3/sdk';
import { type Asked, problemsOf } from './check.ts';
import { insideOf, type Line, type Looking, proposalOf } from './proposals.ts';
import { candidatesOf, type JamfPackage, type Site } from './records.ts';

type Answer = 'take' | 'skip' | 'look' | 'basename' | 'version' | 'revision' | 'category';

/** What is said already of a package that is asked about. */
export type Said = Partial<Pick<Line, 'basename' | 'version' | 'revision' | 'category'>>;

/** What a person at a terminal wants taken in; nothing is done yet. @param only the one that is asked about, and what was said of it */
export async function walk(
  ask: Questions,
  site: Site,
  looking: Looking,
  admin: AdminPort,
  only: { jamf: JamfPackage; said: Said } | null = null,
): Promise<Asked[]> {
  const from = candidatesOf(site);
  if (only === null && from.length === 0) return [];
  const picked = only === null ? await pick(ask, from) : [only.jamf];
  const asked: Asked[] = [];
  for (const jamf of picked) {
    const one = await decide(ask, jamf, { site, looking, admin, before: asked, said: only?.said ?? {} });
    if (one !== null) asked.push(one);
  }
  if (asked.length === 0) return [];
  const yes = await ask.confirm({
    question: asked.length === 1 ? 'Take it in as a pilot?' : `Take these ${asked.length} in as pilots?`,
    flag: '--plan',
    details: asked.map((one) => `  ${one.jamf.fileName}: ${wordsOf(one)}`),
  });
  return yes ? asked : [];
}

const DONE = Symbol('done');
const ALL = Symbol('all');

/** Each that is picked goes in or out, until it is enough. */
async function pick(ask: Questions, from: readonly JamfPackage[]): Promise<JamfPackage[]> {
  const picked = new Set<JamfPackage>();
  let details: readonly string[] = [
    `${from.length} packages of Jamf Pro are not in d3. Type to find some, return to pick one.`,
  ];
  for (;;) {
    const answer = await ask.search<JamfPackage | typeof DONE | typeof ALL>({
      question: 'Which packages?',
      flag: '--plan',
      details,
      find: (typed) => [
        ...(typed === ''
          ? ([
              { value: DONE, label: `Done: ${picked.size} picked` },
              { value: ALL, label: 'All of them' },
            ] as const)
          : []),
        ...from
          .filter((jamf) => `${jamf.packageName}\n${jamf.fileName}`.toLowerCase().includes(typed.toLowerCase()))
          .map((jamf) => ({ value: jamf, label: `${picked.has(jamf) ? '[x]' : '[ ]'} ${jamf.id}: ${jamf.fileName}` })),
      ],
    });
    details = [];
    if (answer === DONE) return from.filter((jamf) => picked.has(jamf));
    if (answer === ALL) return [...from];
    if (!picked.delete(answer)) picked.add(answer);
  }
}

interface Deciding {
  site: Site;
  looking: Looking;
  admin: AdminPort;
  /** What was said yes to before. */
  before: readonly Asked[];
  said: Said;
}

/** @returns null when it is skipped */
async function decide(ask: Questions, jamf: JamfPackage, deciding: Deciding): Promise<Asked | null> {
  const { site, looking, admin, before, said } = deciding;
  const first = await insideOf(jamf, looking);
  let line: Line = { ...proposalOf(jamf, site, first), ...said };
  let looked = first.looked;
  let problems: readonly string[] = [];
  for (;;) {
    const answer: Answer = await ask.choose<Answer>({
      question: `${jamf.fileName}:`,
      flag: '--plan',
      details: [`Jamf's package ${jamf.id}, ${jamf.packageName}. Proposed (${line.sure}): ${line.note}.`, ...problems],
      options: [
        { value: 'take', label: `Take it as ${wordsOf(line)}` },
        { value: 'basename', label: `Basename: ${line.basename || 'none'}` },
        { value: 'version', label: `Version: ${line.version || 'none'}` },
        { value: 'revision', label: `Revision: ${line.revision ?? 'the next that is free'}` },
        { value: 'category', label: `Category: ${line.category ?? 'none'}` },
        ...(looked ? [] : [{ value: 'look' as const, label: 'Fetch its file and look into it' }]),
        { value: 'skip', label: 'Leave it out' },
      ],
    });
    problems = [];
    if (answer === 'skip') return null;
    if (answer === 'look') {
      const inside = await insideOf(jamf, { ...looking, fetches: true });
      line = { ...proposalOf(jamf, site, inside), category: line.category, ...said };
      looked = inside.looked;
    } else if (answer === 'take') {
      const asked = askedBy(line, jamf);
      problems = await hindrances(asked, before, admin);
      if (problems.length === 0) return asked;
    } else line = await changed(ask, line, answer);
  }
}

async function hindrances(asked: Asked, before: readonly Asked[], admin: AdminPort): Promise<string[]> {
  const { at, basename, version } = asked;
  const missing = [...(basename === '' ? ['a basename'] : []), ...(version === '' ? ['a version'] : [])];
  if (missing.length > 0) return [`It needs ${missing.join(' and ')}.`];
  const all = await problemsOf([...before, asked], admin);
  return all.filter(({ target }) => target === at).map(({ message }) => `It cannot be taken so: ${message}`);
}

function askedBy({ basename, version, revision, category }: Line, jamf: JamfPackage): Asked {
  const { packageName } = jamf;
  return { at: `package ${jamf.id}`, jamf, packageName, basename, version, revision, category };
}

async function changed(
  ask: Questions,
  line: Line,
  what: 'basename' | 'version' | 'revision' | 'category',
): Promise<Line> {
  const typed = async (question: string, preset: string, details: string) =>
    (await ask.text({ question, flag: `--${what}`, preset, details: [details] })).trim();
  if (what === 'basename')
    return { ...line, basename: await typed('Basename:', line.basename, 'What it is an edition of.') };
  if (what === 'version')
    return { ...line, version: await typed('Version:', line.version, 'Spaces become underscores.'), revision: null };
  if (what === 'category') {
    const category = await typed('Category:', line.category ?? 'none', 'One that is not there is made; none for none.');
    return { ...line, category: category.toLowerCase() === 'none' ? null : category };
  }
  const revision = await ask.text({
    question: 'Revision:',
    flag: '--revision',
    preset: String(line.revision ?? 1),
    check: (text) => (/^[1-9]\d{0,9}$/.test(text.trim()) ? null : 'A whole number from 1.'),
  });
  return { ...line, revision: Number(revision) };
}

function wordsOf({
  basename,
  version,
  revision,
  category,
}: Pick<Line, 'basename' | 'version' | 'revision' | 'category'>) {
  const edition = [basename || '?', version || '?', ...(revision === null ? [] : [String(revision)])].join('-');
  return `${edition}${category === null ? '' : `, ${category}`}`;
}

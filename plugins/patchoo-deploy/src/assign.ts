import { type AdminPort, D3Error, type DepotComputer, type DepotDocument, type DocumentBody, Problems } from '@d3/sdk';
import { judgeName } from './rules/names.ts';

/** What admins say of a machine from wherever they are: the other end of the holding pattern. */

export interface Assignment {
  name?: string | undefined;
  build?: string | undefined;
  department?: string | undefined;
  building?: string | undefined;
  site?: string | undefined;
  /** `NAME=VALUE` each. */
  eas?: readonly string[] | undefined;
}

export type Assigned = {
  computer: { id: string; name: string; serial: string | null };
  /** What its record says now, by name. */
  record: Record<string, string>;
  changed: boolean;
  /** Nothing was heard of the machine yet: it has this record from its first report on. */
  ahead: boolean;
};

/** Of which computer, and where that is written. */
interface Subject {
  kind: 'computer' | 'computer-ahead';
  /** Id of the computer; ahead of its first report its serial number. */
  key: string;
  name: string;
  serial: string | null;
}

export interface ComputerBody extends DocumentBody {
  name: string | null;
  department: number | null;
  building: number | null;
  site: number | null;
  attributes: Record<string, string>;
}

const NOTHING = {
  name: null,
  department: null,
  building: null,
  site: null,
  attributes: {},
};

const PLACES = ['department', 'building', 'site'] as const;

/** @throws D3Error notFound `COMPUTER_NOT_FOUND`, refused `COMPUTER_AMBIGUOUS` */
export function computerMeant(word: string, computers: readonly DepotComputer[]): DepotComputer {
  const wanted = word.toLowerCase();
  const by = (value: (computer: DepotComputer) => string | null) =>
    computers.filter((computer) => value(computer)?.toLowerCase() === wanted);
  const [exact] = by(({ id }) => id);
  if (exact !== undefined) return exact;
  const serial = by(({ claims }) => claims.serial);
  const found = serial.length > 0 ? serial : by(({ name }) => name);
  const [first, ...more] = found;
  if (first === undefined) {
    throw new D3Error(
      'COMPUTER_NOT_FOUND',
      'notFound',
      `No computer has the serial number, the name or the id ${word}.`,
      {
        target: word,
        actions: [
          'see which machines wait: d3 provision hold list',
          'a machine is known once it has enrolled and reported; for one that is to come: --ahead',
        ],
      },
    );
  }
  if (more.length === 0) return first;
  throw new D3Error(
    'COMPUTER_AMBIGUOUS',
    'refused',
    `Several computers are meant by ${word}: ${found.map(({ id }) => id).join(', ')}.`,
    {
      target: word,
      actions: ['name it by its id'],
    },
  );
}

/** As serial numbers look; a word that is none is a mistake, and not a machine to come. */
const SERIAL = /^[A-Za-z0-9][A-Za-z0-9-]{3,39}$/;

export interface AssignOptions {
  /** Also for a serial number that nothing was heard of yet. */
  ahead?: boolean;
  dryRun?: boolean;
  /** Those of the depot, where the caller has them. */
  computers?: readonly DepotComputer[];
}

/**
 * Says what a computer is, in one write that is read back; then machines are shown it.
 * @throws D3Errors every problem at once: nothing is changed then
 */
export async function assign(
  word: string,
  assignment: Assignment,
  admin: AdminPort,
  buildAttribute: string,
  options: AssignOptions = {},
): Promise<Assigned> {
  const assigned = await assignUnshown(word, assignment, admin, buildAttribute, options);
  if (assigned.changed && options.dryRun !== true) await admin.publish();
  return assigned;
}

/** The same, where machines are shown it by the caller: after several. */
export async function assignUnshown(
  word: string,
  assignment: Assignment,
  admin: AdminPort,
  buildAttribute: string,
  { ahead = false, dryRun = false, computers: known }: AssignOptions,
): Promise<Assigned> {
  const computers = known ?? (await admin.computers());
  const subject = await subjectMeant(word, computers, admin, ahead);
  const documents = admin.documents(subject.kind);
  const before = await documents.byName(subject.key);
  const empty = { schema: `d3/${subject.kind}@1`, ...NOTHING };
  const old = (before?.body as ComputerBody | undefined) ?? empty;
  const body = await bodyFor(subject, assignment, old, { admin, computers, buildAttribute });
  const changed = JSON.stringify(body) !== JSON.stringify(old);
  const { key, name, serial, kind } = subject;
  const said = { computer: { id: key, name, serial }, changed, ahead: kind === 'computer-ahead' };
  if (dryRun) return { ...said, record: await recordOf(body, admin) };
  if (changed) {
    const written =
      before === null
        ? await documents.create(key, body)
        : await documents.update(before.id, before.generation, { body });
    if (body.name !== null && body.name !== old.name) await keepName(written, old.name, kind, { admin, computers });
  }
  const after = (await documents.byName(key))?.body as ComputerBody | undefined;
  if (changed && JSON.stringify(after) !== JSON.stringify(body)) {
    throw new D3Error('ASSIGNMENT_LOST', 'failed', `What was said of ${word} is not what the depot has now.`, {
      target: word,
      actions: ['somebody else changed it at the same moment; look, and say it again: d3admin computer show'],
    });
  }
  return { ...said, record: await recordOf(after ?? empty, admin) };
}

/** A computer that was heard of, or the serial number of one that is to come. */
async function subjectMeant(
  word: string,
  computers: readonly DepotComputer[],
  admin: AdminPort,
  ahead: boolean,
): Promise<Subject> {
  try {
    const { id, name, claims } = computerMeant(word, computers);
    return { kind: 'computer', key: id, name, serial: claims.serial };
  } catch (error) {
    if (!(error instanceof D3Error) || error.code !== 'COMPUTER_NOT_FOUND') throw error;
    const before = await admin.documents('computer-ahead').byName(word);
    if (before === null && !ahead) throw error;
    const key = before?.name ?? word.toUpperCase();
    if (SERIAL.test(key)) return { kind: 'computer-ahead', key, name: key, serial: key };
    throw new D3Error('SERIAL', 'usage', `${word} is no serial number.`, {
      target: word,
      actions: ['a computer that has reported may also be named by its name or its id'],
      cause: error,
    });
  }
}

/** Takes back what was said of a serial number ahead. @throws D3Error notFound `NOT_AHEAD` */
export async function forgetAhead(serial: string, admin: AdminPort): Promise<void> {
  const found = await admin.documents('computer-ahead').byName(serial);
  if (found !== null) return admin.documents('computer-ahead').remove(found.id, found.generation);
  throw new D3Error('NOT_AHEAD', 'notFound', `Nothing is said ahead of a machine with the serial number ${serial}.`, {
    target: serial,
    actions: ['what is said of machines that have reported is cleared with empty values'],
  });
}

interface Around {
  admin: AdminPort;
  computers: readonly DepotComputer[];
  buildAttribute: string;
}

async function bodyFor(
  subject: Subject,
  { name, eas = [], build, ...places }: Assignment,
  old: ComputerBody,
  { admin, computers, buildAttribute }: Around,
): Promise<ComputerBody> {
  const problems = new Problems();
  const body: ComputerBody = { ...old, attributes: { ...old.attributes } };
  if (name !== undefined) {
    await problems.attempt(async () => {
      body.name = await freeName(subject.key, name, admin, computers);
    });
  }
  for (const kind of PLACES) {
    const said = places[kind];
    if (said === undefined) continue;
    await problems.attempt(async () => {
      body[kind] = said === '' ? null : (await documentCalled(kind, said, admin)).id;
    });
  }
  const pairs = eas.map((pair): [string, string, string] => {
    const at = pair.indexOf('=');
    return [pair.slice(0, Math.max(0, at)).trim(), pair.slice(at + 1).trim(), '--ea'];
  });
  if (build !== undefined) pairs.push([buildAttribute, build, '--build']);
  for (const [attribute, value, flag] of pairs) {
    await problems.attempt(async () => {
      if (attribute === '') throw new D3Error('EA_PAIR', 'usage', `${flag} must be NAME=VALUE.`, { target: flag });
      const document = await documentCalled('ea', attribute, admin);
      if (value === '') delete body.attributes[String(document.id)];
      else body.attributes[String(document.id)] = choiceOf(document, value, flag);
    });
  }
  problems.throwAll();
  return body;
}

async function freeName(
  own: string,
  name: string,
  admin: AdminPort,
  computers: readonly DepotComputer[],
): Promise<string> {
  const owners = await ownersOf(name, admin, computers);
  const verdict = judgeName({ name, own, owners, pattern: null, taken: 'refuse', unchecked: 'ask' });
  if (verdict.kind === 'good') return name;
  throw new D3Error('COMPUTER_NAME', verdict.kind === 'taken' ? 'refused' : 'usage', verdict.why, {
    target: '--name',
    actions: ['choose another name'],
  });
}

/** Computers that are called that, or are to be: ids, or serial numbers ahead of the first report. */
export async function ownersOf(name: string, admin: AdminPort, computers: readonly DepotComputer[]): Promise<string[]> {
  const said = [...(await admin.documents('computer').list()), ...(await admin.documents('computer-ahead').list())];
  const called = (other: string) => other.toLowerCase() === name.toLowerCase();
  return [
    ...computers.filter((other) => called(other.name)).map(({ id }) => id),
    ...said.filter(({ body }) => called((body as ComputerBody).name ?? '')).map((document) => document.name),
  ];
}

/**
 * Two that take one name at the same moment both find it free. Each looks again when it has it, and whoever sees the other gives it back:
 * so at least one of them does, whatever their clocks say. What else was said stays.
 * @throws D3Error refused `COMPUTER_NAME`
 */
async function keepName(
  written: DepotDocument,
  old: string | null,
  kind: string,
  { admin, computers }: Pick<Around, 'admin' | 'computers'>,
): Promise<void> {
  const name = (written.body as ComputerBody).name as string;
  const rival = (await ownersOf(name, admin, computers)).find((owner) => owner !== written.name);
  if (rival === undefined) return;
  const body = { ...written.body, name: old };
  await admin.documents(kind).update(written.id, written.generation, { body });
  await admin.publish();
  throw new D3Error('COMPUTER_NAME', 'refused', `${rival} was named ${name} at the same moment.`, {
    target: '--name',
    actions: ['choose another name; what else was said is kept'],
  });
}

async function documentCalled(kind: string, name: string, admin: AdminPort): Promise<DepotDocument> {
  const documents = admin.documents(kind);
  const found = await documents.byName(name);
  if (found !== null) return found;
  const there = (await documents.list()).map((document) => document.name);
  const word = kind === 'ea' ? 'extension attribute' : kind;
  throw new D3Error(`${kind.toUpperCase()}_NOT_FOUND`, 'notFound', `There is no ${word} called ${name}.`, {
    target: name,
    actions: [
      there.length === 0 ? `there is none yet: d3admin ${kind} add` : `there are: ${there.slice(0, 20).join(', ')}`,
    ],
  });
}

/** A value of an attribute with choices is one of them, as it is written there. */
function choiceOf({ name, body }: DepotDocument, value: string, flag: string): string {
  const { type, choices } = body as unknown as { type: string; choices: readonly string[] };
  if (type !== 'choice') return value;
  const chosen = choices.find((choice) => choice.toLowerCase() === value.toLowerCase());
  if (chosen !== undefined) return chosen;
  throw new D3Error('EA_CHOICE', 'refused', `"${value}" is no choice of ${name}.`, {
    target: flag,
    actions: [choices.length === 0 ? `it has none yet: d3admin ea edit ${name}` : `its choices: ${choices.join(', ')}`],
  });
}

export async function recordOf(body: ComputerBody, admin: AdminPort): Promise<Record<string, string>> {
  const record: Record<string, string> = body.name === null ? {} : { name: body.name };
  for (const kind of PLACES) {
    const id = body[kind];
    const document = id === null ? null : await admin.documents(kind).get(id);
    if (document !== null) record[kind] = document.name;
  }
  for (const [id, value] of Object.entries(body.attributes)) {
    const document = await admin.documents('ea').get(Number(id));
    if (document !== null) record[document.name] = value;
  }
  return record;
}

import { D3Error } from '@d3/sdk';
import { type EaType, isOfKind } from '../catalog/criteria.ts';
import type { EaBody } from '../depot/contract.ts';
import { type Documents, Fleet, type StoredDocument } from '../depot/index.ts';
import { criteriaName } from './criteria.ts';
import { documentMeant, refuseInUse, refuseName, savedIfOther } from './documents.ts';
import { type AdminSession, publish } from './session.ts';

export type StoredEa = StoredDocument<EaBody>;

/** An extension attribute: what admins want to know of computers and no machine can say. */
export interface Ea {
  id: number;
  name: string;
  type: EaType;
  choices: string[];
  description: string;
  /** Values by the names of their computers. */
  values: { computer: string; id: string; value: string }[];
  /** Smart groups that ask for it. */
  groups: string[];
}

export interface EaChanges {
  name?: string | undefined;
  description?: string | undefined;
  choices?: string[] | undefined;
}

export async function addEa(
  name: string,
  { type, choices, description }: Omit<EaBody, 'schema'>,
  session: AdminSession,
): Promise<Ea> {
  refuseName('ea', name);
  if (name.includes('=')) throw unfit(name, 'its name cannot have a = in it: --ea NAME=VALUE could not be read');
  const body: EaBody = { schema: 'd3/ea@1', description, type, choices };
  refuseChoices(name, body);
  const made = await eas(session).create(name, body, session.admin);
  await publish(session);
  return shownEa(made, session);
}

/** @throws D3Error refused `EA_VALUES` when computers have values that would be no choice any more */
export async function editEa(nameOrId: string, changes: EaChanges, session: AdminSession): Promise<Ea> {
  const found = await documentMeant('ea', nameOrId, eas(session));
  const { name = found.name, description = found.body.description, choices = found.body.choices } = changes;
  if (changes.name !== undefined) refuseName('ea', name);
  if (name.includes('=')) throw unfit(name, 'its name cannot have a = in it: --ea NAME=VALUE could not be read');
  const body = { ...found.body, description, choices };
  refuseChoices(name, body);
  const { values } = await shownEa(found, session);
  const lost = values.filter(({ value }) => body.type === 'choice' && !choices.includes(value));
  if (lost.length > 0) {
    const who = lost.slice(0, 20).map(({ computer, value }) => `${computer} (${value})`);
    throw new D3Error(
      'EA_VALUES',
      'refused',
      `Computers have values that would be no choice of ${name} any more: ${who.join(', ')}.`,
      {
        target: name,
        actions: [`change those first: d3admin computer edit COMPUTER --ea "${found.name}=…"`],
      },
    );
  }
  const saved = await savedIfOther(found, { name, body }, eas(session), session);
  if (saved !== null) await publish(session);
  return shownEa(saved ?? found, session);
}

export async function listEas(session: AdminSession): Promise<Ea[]> {
  const shown: Ea[] = [];
  for (const ea of await eas(session).list()) shown.push(await shownEa(ea, session));
  return shown;
}

export async function showEa(nameOrId: string, session: AdminSession): Promise<Ea> {
  return shownEa(await documentMeant('ea', nameOrId, eas(session)), session);
}

/** What {@link deleteEa} would delete, with the values that go with it. @throws D3Error refused `IN_USE` by smart groups */
export async function eaToDelete(nameOrId: string, session: AdminSession): Promise<{ found: StoredEa; shown: Ea }> {
  const found = await documentMeant('ea', nameOrId, eas(session));
  const shown = await shownEa(found, session);
  const users = shown.groups.map((group) => `the group ${group}`);
  refuseInUse('ea', found.name, users, 'change their criteria first: d3admin group edit GROUP --criteria …');
  return { found, shown };
}

/** Its values go first: a cut in between is mended by repeating the command. */
export async function deleteEa({ id, generation }: StoredEa, session: AdminSession): Promise<void> {
  const computers = session.depot.store.documents('computer');
  for (const { id: record, generation: seen, body } of await computers.list()) {
    const { [String(id)]: value, ...attributes } = body.attributes;
    if (value !== undefined) await computers.update(record, seen, { body: { ...body, attributes } }, session.admin);
  }
  await eas(session).remove(id, generation, session.admin);
  await publish(session);
}

/** A value as it is kept. @throws D3Error usage when the attribute cannot have it */
export function eaValue({ name, body }: StoredEa, typed: string): string {
  const { type, choices } = body;
  if (type === 'choice') {
    const choice = choices.find((candidate) => candidate.toLowerCase() === typed.toLowerCase());
    if (choice === undefined) throw unfit(name, `"${typed}" is none of its choices: ${choices.join(', ')}`);
    return choice;
  }
  if (typed.length > 255 || /\p{Cc}/u.test(typed)) throw unfit(name, 'a value has up to 255 characters on one line');
  if (type !== 'text' && !isOfKind(typed, type))
    throw unfit(name, `"${typed}" is no ${type === 'date' ? 'date like 2026-01-31' : 'number'}`);
  return typed;
}

function refuseChoices(name: string, { type, choices }: EaBody): void {
  if (type === 'choice' && choices.length === 0) throw unfit(name, 'there is nothing to choose from: --choices A,B');
  if (type !== 'choice' && choices.length > 0) throw unfit(name, `it is a ${type}: only --type choice has choices`);
}

function unfit(name: string, why: string): D3Error {
  return new D3Error('EA_INVALID', 'usage', `The extension attribute ${name} does not fit: ${why}.`, { target: name });
}

async function shownEa({ id, name, body }: StoredEa, session: AdminSession): Promise<Ea> {
  const { computers } = await Fleet.of(session);
  const groups = await session.depot.store.documents('group').list();
  return {
    id,
    name,
    type: body.type,
    choices: body.choices,
    description: body.description,
    values: computers.flatMap(({ id: computer, shownName, record }) => {
      const value = record?.body.attributes[String(id)];
      return value === undefined ? [] : [{ computer: shownName, id: computer, value }];
    }),
    groups: groups
      .filter(({ body: group }) => group.kind === 'smart' && criteriaName(group.criteria, id))
      .map((group) => group.name),
  };
}

function eas({ depot }: AdminSession): Documents<EaBody> {
  return depot.store.documents('ea');
}

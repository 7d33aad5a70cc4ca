import { createHash } from 'node:crypto';
import type { AdminPort, DocumentBody } from '@d3/sdk';
import type { Connected } from '../connector/connection.ts';
import { type JamfGroup, listGroups, membersOf } from '../connector/groups.ts';
import { type JamfAttribute, type JamfRecord, type JamfScript, listRecords, listSites } from '../connector/records.ts';
import type { Links } from './links.ts';
import type { Wanted } from './records.ts';

const MOST_WORDS = 10_000;

/** Records that are a name. */
export async function namedIn(
  connection: Connected,
  kind: 'category' | 'department' | 'building' | 'site',
): Promise<Wanted[]> {
  const records: JamfRecord[] = kind === 'site' ? await listSites(connection) : await listRecords(connection, kind);
  return records.map(({ id, name }) => ({ jamf: id, name, body: { schema: `d3/${kind}@1`, description: '' } }));
}

/** Whatever somebody wrote about it here: the name is all that Jamf says. */
export const isNamed = (): boolean => true;

/** Definitions of extension attributes; those that a script of Jamf's fills are a text like any other. */
export function attributesIn(attributes: readonly JamfAttribute[]): Wanted[] {
  return attributes.map(({ id, name, description, dataType, inputType, popupMenuChoices = [] }) => {
    const choices = inputType === 'POPUP' ? choicesIn(popupMenuChoices) : [];
    const plain = { STRING: 'text', INTEGER: 'number', DATE: 'date' }[dataType];
    const type = choices.length > 0 ? 'choice' : plain;
    return { jamf: id, name, body: { schema: 'd3/ea@1', description: words(description), type, choices } };
  });
}

function choicesIn(choices: readonly string[]): string[] {
  const good = choices.map((one) => one.trim()).filter((one) => /^[^\p{Cc}]{1,255}$/u.test(one));
  return [...new Set(good)].slice(0, 1000);
}

/** Scripts, with their bytes as Jamf keeps them. */
export async function scriptsIn(connection: Connected, admin: AdminPort): Promise<Wanted[]> {
  const scripts: JamfScript[] = await listRecords(connection, 'script');
  return scripts.map(({ id, name, info, notes, scriptContents }) => {
    const content = Buffer.from(scriptContents ?? '');
    const sha256 = createHash('sha256').update(content).digest('hex');
    const description = words([info, notes].filter((one) => typeof one === 'string' && one !== '').join('\n'));
    const body = { schema: 'd3/script@1', sha256, size: content.length, description };
    return { jamf: id, name, body, before: async () => admin.put(content) };
  });
}

/** Groups as the computers of them that d3 knows; what makes a group smart is Jamf's. */
export async function groupsIn(connection: Connected, links: Links): Promise<Wanted[]> {
  const groups = await listGroups(connection);
  return Promise.all(groups.map(async (group) => groupAs(group, await membersOf(connection, group), links)));
}

function groupAs({ id, name, description }: JamfGroup, members: readonly string[], links: Links): Wanted {
  const known = members.flatMap((one) => {
    const target = links.of('computer', one)?.target;
    return typeof target === 'string' ? [target] : [];
  });
  const body: DocumentBody = {
    schema: 'd3/group@1',
    kind: 'static',
    description: words(description),
    members: [...new Set(known)].sort(),
  };
  return { jamf: id, name, body };
}

function words(text: string | null | undefined): string {
  return (text ?? '').slice(0, MOST_WORDS);
}

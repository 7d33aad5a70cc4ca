import { statSync } from 'node:fs';
import path from 'node:path';
import type { AddRequest } from '../../admin/add.ts';
import { AddSession } from '../../admin/attribute-session.ts';
import type { BuildChoices } from '../../admin/build.ts';
import type { AdminSession } from '../../admin/session.ts';
import { basenameProblem } from '../../catalog/names.ts';
import { inheritedText } from '../attribute-text.ts';
import { type Extra, walkAttributes } from './attributes.ts';
import { basenamesOf, editionsOf } from './names.ts';
import { type Asker, pickOne, pickPath } from './pick.ts';

/** A basename there is, or a new one. */
export async function basenameToAdd(asker: Asker, session: AdminSession): Promise<string> {
  const from = await basenamesOf(session);
  const details = ['What the new edition is an edition of: one of those there are, or a new name.'];
  for (;;) {
    const picked = await pickOne(asker, { question: 'Basename:', flag: 'BASENAME', details, from }, { fresh: true });
    const wrong = basenameProblem(picked);
    if (wrong === null) return picked;
    asker.error(wrong);
  }
}

/** The menu of an edition to be added. @returns what was said in it, all of it good */
export async function walkAdd(
  asker: Asker,
  request: AddRequest,
  session: AdminSession,
  editor: string,
): Promise<AddSession> {
  const adding = new AddSession(request, session);
  await walkAttributes(asker, adding, {
    question: async () => {
      const { edition, inheritedFrom: from } = await adding.outline();
      return `${edition}, ${from === null ? 'beginning with defaults' : `with what ${from} has`}:`;
    },
    done: 'Go on: check it, and add it',
    line: inheritedText,
    extras: () => sourceRows(asker, adding, session),
    editor,
  });
  return adding;
}

/** All that will be added, for the admin to agree to. */
export async function addDetails(asker: Asker, adding: AddSession): Promise<string[]> {
  const rows = await sourceRows(asker, adding, null);
  return [
    ...(await adding.views()).map((view) => `  ${inheritedText(view)}`),
    ...rows.map(({ label, value }) => `  ${label}: ${value}`),
  ];
}

/** Where the package comes from, and how it is built where a folder is given. @param session null: only to be shown */
async function sourceRows(asker: Asker, adding: AddSession, session: AdminSession | null): Promise<Extra[]> {
  const { request } = adding;
  const { source, importFrom } = request;
  const { fileFrom: before, build: meant } = await adding.outline();
  const rows: Extra[] = [
    {
      label: 'Source',
      explanation: 'The package file, a folder to build one from, or the record and file of another edition.',
      value: source ?? sourceWords(importFrom ?? before),
      ask: async () => {
        if (session !== null) await askSource(asker, request, session);
      },
    },
  ];
  if (source === undefined || statSync(source, { throwIfNoEntry: false })?.isDirectory() !== true) return rows;
  request.build ??= {};
  const { build } = request;
  const text = (key: TextChoice, label: string, explanation: string, unset: string) => ({
    label,
    explanation,
    value: meant[key] ?? unset,
    ask: async () => {
      const typed = await asker.text({
        question: `${label}:`,
        flag: label,
        preset: meant[key] ?? 'none',
        details: [`${explanation} none: ${unset}.`],
      });
      build[key] = typed === 'none' || typed === 'n' ? undefined : typed;
    },
  });
  const folder = (key: 'workspace' | 'scriptsFolder', label: string, explanation: string, unset: string) => ({
    label,
    explanation,
    value: meant[key] ?? unset,
    ask: async () => {
      build[key] = await pickPath(asker, { question: `${label}:`, flag: label, details: [explanation] });
    },
  });
  const yesNo = (key: 'dmg' | 'preserveOwners', label: string, explanation: string, yes: string, no: string) => ({
    label,
    explanation,
    value: build[key] === true ? yes : no,
    ask: async () => {
      const options = [
        { value: false, label: no },
        { value: true, label: yes },
      ];
      build[key] = await asker.choose({
        question: `${label}:`,
        flag: label,
        details: [explanation],
        options,
        preset: build[key] === true,
      });
    },
  });
  rows.push(
    folder('workspace', 'Workspace', 'The folder to build in.', 'a temporary one'),
    yesNo('dmg', 'Build a', 'A disk image can be built on a Mac only.', 'disk image', 'package'),
  );
  if (build.dmg === true) return rows;
  rows.push(
    text('packageId', 'Identifier', 'The identifier of the package.', 'as it was, or the usual prefix'),
    yesNo('preserveOwners', 'Owners of the files', 'Kept as they are, or as systems want them.', 'kept', 'recommended'),
    text('installLocation', 'Install location', 'Where on the target the folder belongs.', '/'),
    folder('scriptsFolder', 'Scripts folder', 'Scripts to go inside the package.', 'none'),
    text('signingIdentity', 'Signing identity', 'On a Mac only.', 'not signed'),
    text('signingOptions', 'Signing options', 'Further options for productsign.', 'none'),
  );
  return rows;
}

function sourceWords(edition: string | null): string {
  return edition === null ? 'not given yet' : `the file of ${edition}`;
}

type TextChoice = Extract<keyof BuildChoices, 'packageId' | 'installLocation' | 'signingIdentity' | 'signingOptions'>;

async function askSource(asker: Asker, request: AddRequest, session: AdminSession): Promise<void> {
  const way = await asker.choose({
    question: 'Source:',
    flag: '-s/--source-path',
    options: [
      { value: 'path', label: 'a package file, or a folder to build one from' },
      { value: 'import', label: 'the record and the file of another edition' },
      { value: 'before', label: 'the file of the newest edition' },
    ],
  });
  if (way === 'path') {
    const details = ['A .pkg, .deb or .dmg file, or a folder that stands for the root of the target.'];
    const picked = await pickPath(asker, { question: 'Source:', flag: '-s/--source-path', details });
    request.source = path.resolve(picked);
    request.importFrom = undefined;
    return;
  }
  request.source = undefined;
  request.importFrom = way === 'import' ? await recordToImport(asker, session) : undefined;
}

async function recordToImport(asker: Asker, session: AdminSession): Promise<string> {
  const archived = await session.depot.store.editions.archived();
  const from = [
    ...archived.map(({ edition }) => ({ name: edition, more: 'archived' })).toReversed(),
    ...(await editionsOf(session)),
  ];
  return pickOne(asker, { question: 'Edition:', flag: '-i/--import', from });
}

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { ensured, type Foreman, quoted } from './client.ts';

/** The job template that carries to a host what d3 has done there. */
export const JOB_TEMPLATE = 'd3 - Carry';

/** A line of it that says which it is: Foreman may keep the rest otherwise than it was sent. */
const EDITION = /^# d3 job template \d+$/m;

/** What a command tells of it; a type, so that it is JSON. */
export type JobTemplate = { name: string; text: string; installed: boolean | null; changed: boolean };

interface Found {
  id: number;
  /** Whether it is the one that comes with this d3. */
  isOurs: boolean;
}

/** The job template as it is given to Foreman (ERB). */
export function jobTemplateText(): Promise<string> {
  return readFile(path.join(import.meta.dirname, '../../snippets/job.erb'), 'utf8');
}

/** @returns null: Foreman has none of that name */
async function jobTemplateIn(foreman: Foreman): Promise<Found | null> {
  const rows = await foreman.list<{ id: number; name?: unknown }>('jobTemplates', {
    search: `name=${quoted(JOB_TEMPLATE)}`,
  });
  const row = rows.find(({ name }) => name === JOB_TEMPLATE);
  if (row === undefined) return null;
  const { template } = ((await foreman.call('jobTemplate', { params: { id: row.id } })) ?? {}) as {
    template?: unknown;
  };
  const [edition] = EDITION.exec(await jobTemplateText()) ?? [];
  const [there] = EDITION.exec(typeof template === 'string' ? template : '') ?? [];
  return { id: row.id, isOurs: there !== undefined && there === edition };
}

/** @throws D3Error notFound, refused: it is not there, or another one than this d3 needs */
export async function jobTemplateId(foreman: Foreman): Promise<number> {
  const found = await jobTemplateIn(foreman);
  if (found?.isOurs === true) return found.id;
  throw new D3Error(
    'FOREMAN_NO_JOB_TEMPLATE',
    found === null ? 'notFound' : 'refused',
    found === null
      ? `Foreman has no job template ${JOB_TEMPLATE}`
      : `The job template ${JOB_TEMPLATE} in Foreman is not the one of this d3`,
    { target: JOB_TEMPLATE, actions: ['Put it there: d3 foreman job-template --install'] },
  );
}

/** Puts it into Foreman, or in the place of an older one. @returns whether anything was written */
export async function installJobTemplate(foreman: Foreman): Promise<boolean> {
  const template = await jobTemplateText();
  return ensured(
    () => jobTemplateIn(foreman),
    (found) => found?.isOurs === true,
    () => foreman.call('importJobTemplate', { json: { template, overwrite: true } }),
  );
}

import type { AdminSession } from '../../admin/session.ts';
import type { ReportType } from '../../catalog/statuses.ts';
import { type Asker, pickMany } from './pick.ts';
import { basenamesOf, walkStatuses } from './search.ts';

export interface ReportWalk {
  type: ReportType;
  targets: string[];
  queue: boolean;
  frozen: boolean;
  statuses: string[];
}

/** What is to be reported, of which basenames or computers. */
export async function walkReport(asker: Asker, session: AdminSession): Promise<ReportWalk> {
  const type = await asker.choose<ReportType>({
    question: 'Report:',
    flag: '--type',
    options: [
      { value: 'installed', label: 'where a basename is installed' },
      { value: 'pilot', label: 'where it is piloted' },
      { value: 'deprecated', label: 'where an old edition of it is installed' },
      { value: 'computer', label: 'what a computer has' },
    ],
  });
  const targets = type === 'computer' ? await computersMeant(asker, session) : await basenamesMeant(asker, session);
  const what = await asker.choose({
    question: 'Of:',
    flag: '--queue, --frozen',
    options: [
      { value: 'receipts', label: 'what is installed' },
      { value: 'frozen', label: 'what is installed and frozen' },
      { value: 'queue', label: 'what waits for a restart' },
    ],
  });
  const statuses = type === 'pilot' || type === 'deprecated' ? [] : await walkStatuses(asker);
  return { type, targets, queue: what === 'queue', frozen: what === 'frozen', statuses };
}

async function computersMeant(asker: Asker, { depot }: AdminSession): Promise<string[]> {
  const computers = await depot.store.computers.list();
  const twice = new Set(
    computers.map(({ name }) => name.toLowerCase()).filter((name, at, all) => all.indexOf(name) !== at),
  );
  // A name that two computers have names neither.
  const from = computers.map(({ id, name, lastContact }) =>
    twice.has(name.toLowerCase())
      ? { name: id, more: `${name}, heard of ${lastContact}` }
      : { name, more: `heard of ${lastContact}` },
  );
  return orAll(await pickMany(asker, { question: 'Computers:', flag: 'TARGET', details: [NONE_IS_ALL], from }));
}

async function basenamesMeant(asker: Asker, session: AdminSession): Promise<string[]> {
  const from = (await basenamesOf(session)).map((name) => ({ name }));
  return orAll(await pickMany(asker, { question: 'Basenames:', flag: 'TARGET', details: [NONE_IS_ALL], from }));
}

const NONE_IS_ALL = 'None picked means all of them.';

function orAll(picked: string[]): string[] {
  return picked.length === 0 ? ['all'] : picked;
}

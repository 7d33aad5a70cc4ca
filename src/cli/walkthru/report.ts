import type { AdminSession } from '../../admin/session.ts';
import type { ReportType } from '../../catalog/statuses.ts';
import { basenamesOf, computersOf } from './names.ts';
import { type Asker, pickMany } from './pick.ts';
import { walkStatuses } from './search.ts';

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
  const isComputer = type === 'computer';
  const picked = await pickMany(asker, {
    question: isComputer ? 'Computers:' : 'Basenames:',
    flag: 'TARGET',
    details: ['None picked means all of them.'],
    from: isComputer ? await computersOf(session) : await basenamesOf(session),
  });
  const targets = picked.length === 0 ? ['all'] : picked;
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

import { D3Error } from '@d3/sdk';
import { Type } from 'typebox';
import type { Report } from '../../contract.ts';
import { COMPUTER_ID } from '../../report-path.ts';
import { SECRET } from '../../secrets.ts';
import { type Caller, requireOwn } from '../callers.ts';
import { type Route, route, type ServerParts } from '../route.ts';
import { answer, exactly, Line, list, oneOf, orNull, ReportBody, Sha256 } from '../schemas.ts';

/** As the inbox takes them. */
const MAX_REPORT = 4 * 1024 * 1024;
const text = (maxLength: number) => orNull(Type.String({ maxLength }));

/** What machines say: reports of their own, and that they want to belong to the depot. */
export const machineRoutes: readonly Route[] = [
  route({
    id: 'report',
    method: 'POST',
    url: '/api/v1/reports',
    summary: 'Take the report of an enrolled computer; one that was taken before changes nothing.',
    tag: 'machines',
    access: { for: 'machine' },
    body: ReportBody,
    bodyLimit: MAX_REPORT,
    answer: answer({ taken: Type.Boolean() }),
    handle: async ({ body, caller }, server) => ({ taken: await take(body, caller, server) }),
  }),
  route({
    id: 'putReport',
    method: 'PUT',
    url: '/inbox/:computer/:file',
    summary: 'The same, under the name it would have in the inbox of a depot in a folder.',
    tag: 'machines',
    access: { for: 'machine' },
    params: exactly({
      computer: Type.String({ pattern: COMPUTER_ID.source }),
      file: Type.String({ pattern: '^\\d{8}T\\d{9}Z-[A-Za-z0-9._-]{1,100}\\.json$' }),
    }),
    body: ReportBody,
    bodyLimit: MAX_REPORT,
    answer: answer({ taken: Type.Boolean() }),
    async handle({ params, body, caller }, server) {
      requireOwn(caller, params.computer);
      return { taken: await take(body, caller, server) };
    },
  }),
  route({
    id: 'enrol',
    method: 'POST',
    url: '/api/v1/enrol',
    summary:
      'Ask for a machine to belong to the depot. Asking again with the same key is how it learns what was decided.',
    tag: 'machines',
    access: { for: 'anybody' },
    body: exactly({
      code: Type.String({ pattern: SECRET.source }),
      keyHash: Sha256,
      computer: exactly({
        id: Type.String({ pattern: COMPUTER_ID.source }),
        name: Line(255),
        claims: exactly({
          serial: text(255),
          hardwareUuid: text(255),
          macs: list(Type.String({ maxLength: 64 }), 100),
        }),
      }),
    }),
    answer: answer({
      state: oneOf(['enrolled', 'pending']),
      enrolment: Type.Integer(),
      computer: orNull(Type.String()),
    }),
    handle: ({ body }, { depot }) => depot.store.enrolments.enrol(body),
  }),
];

async function take(report: Report, caller: Caller, { depot, metrics, publisher }: ServerParts): Promise<boolean> {
  requireOwn(caller, report.computer.id);
  if (Number.isNaN(Date.parse(report.at)))
    throw new D3Error('REQUEST_INVALID', 'usage', 'The time of the report is none.', { target: 'at' });
  const taken = await depot.store.computers.takeReport(report);
  if (await depot.store.computers.takeOverAhead(report.computer)) publisher.soon();
  if (taken) metrics.count('d3_reports_total', 'Reports taken in.');
  return taken;
}

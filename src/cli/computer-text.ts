import type { ShownComputer } from '../admin/computers.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { day, fields, listed, moment } from './table-text.ts';

/** Whole days since a report, in words. */
export function ageWords(age: number): string {
  return age === 0 ? 'today' : age === 1 ? '1 day' : `${age} days`;
}

export function showComputerText(computer: ShownComputer, terminal: Terminal): void {
  const { id, name, reportedName, serial, hardwareUuid, macs, model, os, cpu, d3 } = computer;
  terminal.result(
    fields([
      ['Name', name === reportedName ? name : `${name} (calls itself ${reportedName})`],
      ['Id', id],
      ['Serial number', serial ?? 'not known'],
      ['Hardware UUID', hardwareUuid ?? 'not known'],
      ['Addresses', listed(macs)],
      ['Model', model ?? 'not known'],
      ['System', `${os.name} ${os.version}, ${cpu}`],
      ['d3', d3],
      ['Last report', `${moment(computer.lastContact)} (${ageWords(computer.age)})`],
      ...catalogEndText(computer),
      ['First report', moment(computer.firstContact)],
      ['Department', computer.department ?? 'none'],
      ['Building', computer.building ?? 'none'],
      ['Site', computer.site ?? 'none'],
      ...Object.entries(computer.attributes),
      ...Object.entries(computer.provisioning).map(([key, value]) => [`Provisioning ${key}`, value] as const),
      ['Groups', listed(computer.groups)],
      ['Queued', listed(computer.queue.map(({ edition }) => edition))],
    ]),
  );
  terminal.table({
    title: 'Installed, as it last reported (^ frozen)',
    columns: ['Edition', 'Installed', 'By'],
    rows: computer.receipts.map(({ edition, frozen, installedAt, admin }) => [
      `${edition}${frozen ? ' ^' : ''}`,
      day(installedAt),
      admin,
    ]),
    empty: 'Installed: nothing',
  });
}

/** Said when it is near: a computer whose catalog has expired acts on nothing of the depot. */
export function catalogEndText({
  catalogExpires,
  catalogEndsIn,
}: Pick<ShownComputer, 'catalogExpires' | 'catalogEndsIn'>): [string, string][] {
  if (catalogExpires === null || catalogEndsIn === null) return [];
  return [
    [
      'Its catalog ends',
      `${moment(catalogExpires)} (${catalogEndsIn === 'no time' ? 'it is over' : `in ${catalogEndsIn}`})`,
    ],
  ];
}

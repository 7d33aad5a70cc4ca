import type { Edition } from '../../catalog/types.ts';
import type { Run, RunStep } from '../../runs/types.ts';
import type { FleetComputer } from '../fleet.ts';
import type { ComputerCounts, EditionCount } from '../store/contract.ts';
import type { ComputerRow, EditionRow, RunRow, RunStory } from './answers.ts';

export function editionRow(edition: Edition, count: EditionCount | undefined): EditionRow {
  const { id, edition: name, version, revision, status, addedAt, addedBy, releasedAt, releasedBy } = edition;
  return {
    id,
    edition: name,
    version,
    revision,
    status,
    addedAt,
    addedBy,
    releasedAt,
    releasedBy,
    installed: count?.computers ?? 0,
    piloting: count?.piloting ?? 0,
    frozen: count?.frozen ?? 0,
  };
}

export function computerRow(
  computer: FleetComputer,
  counts: ComputerCounts | undefined,
  places: ReadonlyMap<number, string>,
): ComputerRow {
  const { id, shownName, claims, os, cpu, d3, user, lastContact, record } = computer;
  const place = (said: number | null | undefined) =>
    said === null || said === undefined ? null : (places.get(said) ?? null);
  return {
    id,
    name: shownName,
    serial: claims.serial,
    os: { name: os.name, version: os.version },
    cpu,
    d3,
    user,
    department: place(record?.body.department),
    building: place(record?.body.building),
    site: place(record?.body.site),
    lastContact,
    receipts: counts?.receipts ?? 0,
    queued: counts?.queued ?? 0,
    failed: counts?.failed ?? 0,
    blocked: counts?.blocked ?? 0,
  };
}

export function wordsOf({ id, name, serial, user, department, building, site, os }: ComputerRow): string[] {
  const words = [id, name, serial, user, department, building, site, `${os.name} ${os.version}`];
  return words.filter((word) => word !== null);
}

export function runRow(run: Run): RunRow {
  const { id, origin, by, state, text, createdAt, endedAt, steps } = run;
  const done = steps.filter((step) => step.state !== 'pending' && step.state !== 'started').length;
  return { id, origin: origin.name, kind: origin.kind, by, state, text, createdAt, endedAt, steps: steps.length, done };
}

export function stepRow({
  step,
  state,
  attempts,
  startedAt,
  endedAt,
  text,
  problem,
}: RunStep): RunStory['steps'][number] {
  const next = problem === null || problem.actions.length === 0 ? '' : ` (${problem.actions.join('; ')})`;
  return {
    name: step.name ?? step.kind,
    kind: step.kind,
    state,
    attempts,
    startedAt,
    endedAt,
    text: `${text}${next}`,
  };
}

import type { MachineRecord } from '@d3/sdk';
import { happens, tellNotices } from '../notices.ts';
import type { Parts } from '../parts.ts';
import { readAttributes, readingOf, valuesOf } from '../rules/attributes.ts';
import { elapsed, holdCode, isOverdue, nextPoll } from '../rules/hold.ts';
import { done, type Kind, later, NO_ARGS, type StepEnd } from './kind.ts';
import { askAgain, isOutside, troubleOver } from './trouble.ts';

/**
 * What the machine is, by its record. An incomplete record holds it: told once, looked at again and again, until somebody has said
 * what is missing. A record that cannot be read is something else: nobody is told to fill it in.
 */
export const resolve: Kind = {
  offer: {
    kind: 'provision-resolve',
    summary: 'Reads what the machine is; holds while that is not known.',
    schema: NO_ARGS,
    // Longer than another run of d3 is waited for.
    timeout: 1800,
  },
  async run(parts, { run }) {
    const { memory, ports, settings } = parts;
    const before = memory.of(run);
    if (before.snapshot !== null) {
      // It was taken right before a cut: nobody may have heard yet that it holds no more.
      await ports.provisioning.stands('deploying');
      return done(known(before.snapshot.values));
    }
    if (before.override !== null) {
      const { by, why: reason } = before.override;
      memory.change(run, (now) => ({
        hold: null,
        ...(now.hold === null ? {} : happens(parts, now, { event: 'hold-ended', state: 'releasing', reason, by })),
      }));
      if (before.hold !== null) await ports.provisioning.stands('releasing');
      await tellNotices(parts, run);
      return done(`${before.override.by} releases it as it is: ${before.override.why}`);
    }
    const attributes = readAttributes(settings);
    let record: MachineRecord | null;
    try {
      record = await ports.machine.record();
    } catch (error) {
      if (!isOutside(error)) throw error;
      return askAgain(parts, run, error, 'its record cannot be read');
    }
    troubleOver(parts, run);
    const reading = readingOf(attributes, valuesOf(record, attributes, settings.buildAttribute));
    if (reading.kind === 'incomplete' && before.goesOn !== true)
      return holding(
        parts,
        run,
        reading.missing.map(({ label }) => label),
      );
    const { values, sources } = reading;
    if (reading.kind === 'incomplete')
      memory.warn(run, `nobody said its ${reading.missing.map(({ label }) => label).join(', ')}: it goes on without`);
    const at = ports.clock.now().toISOString();
    memory.change(run, (now) => ({
      snapshot: { name: record?.name ?? null, values, sources, at },
      hold: null,
      ...(now.hold === null
        ? {}
        : happens(parts, now, { event: 'hold-ended', state: 'deploying', reason: 'its record says what it is' })),
    }));
    // The depot hears that it holds no more as soon as that is so, not with some later sync.
    if (before.hold !== null) await ports.machine.report();
    await ports.provisioning.stands('deploying');
    await tellNotices(parts, run);
    return done(known(values));
  },
};

async function holding(parts: Parts, run: string, missing: string[]): Promise<StepEnd> {
  const { memory, ports, settings, random } = parts;
  const now = ports.clock.now();
  const { hold } = memory.change(run, (before) => ({
    hold: { since: now.toISOString(), told: false, escalated: false, ...before.hold, missing },
    ...(before.hold === null
      ? happens(parts, before, { event: 'hold-began', state: 'holding', reason: '', missing })
      : {}),
  }));
  const { since, told, escalated } = hold as NonNullable<typeof hold>;
  // Told before it is written down that it was: once more after a cut is better than never.
  if (!told) {
    await ports.machine.report();
    memory.change(run, ({ hold: before }) => ({ hold: before && { ...before, told: true } }));
  }
  // Whoever could not be told yet is told now.
  await ports.provisioning.stands('holding');
  if (isOverdue(since, now, settings.holdMaxHours) && !escalated) {
    if (settings.holdOnMax === 'release') {
      const why = `it held for ${elapsed(since, now)}, and provision.holdOnMax is release`;
      const by = 'provision.holdOnMax';
      memory.change(run, (before) => ({
        hold: null,
        override: { by, at: now.toISOString(), why },
        ...happens(parts, before, { event: 'hold-ended', state: 'releasing', reason: why, by }),
      }));
      await ports.provisioning.stands('releasing');
      await tellNotices(parts, run);
      return done(`it is released as it is: ${why}`);
    }
    memory.change(run, (before) => ({
      hold: before.hold && { ...before.hold, escalated: true },
      ...happens(parts, before, {
        event: 'hold-overdue',
        state: 'holding',
        reason: `since ${since}, longer than ${settings.holdMaxHours} h`,
        missing,
      }),
    }));
    memory.warn(run, `it holds for more than ${settings.holdMaxHours} h: ${missing.join(', ')}`);
    await ports.machine.report();
  }
  await tellNotices(parts, run);
  const text = `it waits for somebody to say its ${missing.join(', ')} (code ${holdCode(run)})`;
  return later(nextPoll(settings.holdPollSeconds, random()), text);
}

function known(values: Readonly<Record<string, string>>): string {
  const said = Object.entries(values).map(([key, value]) => `${key} ${value}`);
  return said.length === 0 ? 'nothing has to be known of it' : said.join(', ');
}

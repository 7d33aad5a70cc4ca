import { clearUp } from '../clear-up.ts';
import { inTheWay, mayRelease } from '../rules/release.ts';
import { noteChanged } from './changed.ts';
import { done, failed, type Kind, NO_ARGS } from './kind.ts';
import { endsIt } from './not-now.ts';

/** The end: never while a required step failed, unless somebody, or the settings, decided so. */
export const release: Kind = {
  offer: {
    kind: 'provision-release',
    summary: 'Releases the machine, and takes away what kept it.',
    schema: NO_ARGS,
    timeout: 1800,
  },
  async run(parts, { run }) {
    const { memory, ports } = parts;
    const here = await ports.runs.get(run);
    const { override } = memory.of(run);
    const steps = here?.steps ?? [];
    const ended = steps.find(endsIt);
    const decided =
      override ??
      (ended === undefined
        ? null
        : { by: 'provision settings', at: ports.clock.now().toISOString(), why: `${ended.name} failed` });
    const why = inTheWay({ steps });
    if (!mayRelease({ steps }, decided)) return failed(`it is not released: ${why.join('; ')}`);
    if (why.length > 0) memory.warn(run, `released by ${decided?.by}, although ${why.join('; ')}`);
    await noteChanged(parts, run);
    await clearUp(parts, run, 'released');
    return done(decided === null ? 'the machine is released' : `released by ${decided.by}: ${decided.why}`);
  },
  async settled({ memory }, { run }) {
    const { end } = memory.of(run);
    return { handled: true, settled: end !== null && !end.closing, text: 'the machine is released' };
  },
};

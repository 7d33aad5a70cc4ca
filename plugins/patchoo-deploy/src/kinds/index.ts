import { D3Error } from '@d3/sdk';
import { checkIn } from './check-in.ts';
import { clock } from './clock.ts';
import { connect } from './connect.ts';
import { deployed } from './deployed.ts';
import { event } from './event.ts';
import { type Kind, later } from './kind.ts';
import { name } from './name.ts';
import { quiet } from './quiet.ts';
import { release } from './release.ts';
import { resolve } from './resolve.ts';
import { update } from './update.ts';

/** Seconds between two looks at whether somebody else's run of d3 is over. */
const LOOK = 15;

/** Somebody else's run of d3, a long sync maybe, is no failure of a deployment: it is waited for. */
function patient(kind: Kind): Kind {
  return {
    ...kind,
    async run(parts, step) {
      try {
        return await kind.run(parts, step);
      } catch (error) {
        if (!(error instanceof D3Error) || error.exit !== 'busy') throw error;
        return later(LOOK, `waiting for what else d3 does here: ${error.message}`);
      }
    },
  };
}

/** The kinds of steps of deployments, by their names. */
export const KINDS: ReadonlyMap<string, Kind> = new Map(
  [quiet, clock, connect, resolve, name, checkIn, event, deployed, update, release].map((kind) => [
    kind.offer.kind,
    patient(kind),
  ]),
);

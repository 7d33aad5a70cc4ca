import { checkIn } from './check-in.ts';
import { clock } from './clock.ts';
import { connect } from './connect.ts';
import { deployed } from './deployed.ts';
import { event } from './event.ts';
import type { Kind } from './kind.ts';
import { name } from './name.ts';
import { quiet } from './quiet.ts';
import { release } from './release.ts';
import { resolve } from './resolve.ts';
import { update } from './update.ts';

/** The kinds of steps of deployments, by their names. */
export const KINDS: ReadonlyMap<string, Kind> = new Map(
  [quiet, clock, connect, resolve, name, checkIn, event, deployed, update, release].map((kind) => [
    kind.offer.kind,
    kind,
  ]),
);

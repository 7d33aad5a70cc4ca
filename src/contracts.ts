import type { Envelope, Json } from '@d3/sdk';

/** What `scripts/schemas.ts` makes schemas of besides the results of commands. Types only: nothing of it is there when d3 runs. */

/** The one document on stdout under --json. What `result` is, the schema of the command's result says. */
export type AnyEnvelope = Envelope<Json>;

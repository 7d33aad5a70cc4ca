import { defineHook } from '@d3/sdk';
import { tellAfter } from '../tell.ts';

/** At the end of a sync: one policy for all that expired, and one for what will. */
export default defineHook('d3:sync:after', (payload, context) =>
  tellAfter(payload, { ...context, platform: process.platform }),
);

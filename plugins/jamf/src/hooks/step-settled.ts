import { defineHook } from '@d3/sdk';
import { KIND } from '../agent/step.ts';

/** Nothing on a Mac says which policies of an event have run: Jamf Pro knows, and does not run again what is to run once. */
export default defineHook('d3:step:settled', ({ kind }) =>
  kind === KIND
    ? { handled: true, settled: false, text: 'Jamf Pro is asked again: what is to run once, it runs once' }
    : { handled: false },
);

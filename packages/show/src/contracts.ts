import type { Note } from './screen/open.ts';

/** What is stored here, by its schema; `scripts/schemas.ts` makes schemas of it. */
export interface Documents {
  'screen@1': Note;
}

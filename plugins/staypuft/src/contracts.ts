import type { Registration } from './client/registration.ts';
import type { Kept } from './client/setup.ts';
import type { MarkFile } from './mark.ts';
import type { ClientAnswers } from './proxy/answers.ts';

/** What this plugin stores and sends besides documents of the depot, by its schema; `scripts/schemas.ts` makes schemas of it. */
export interface Documents {
  'client-answers@1': ClientAnswers;
  'client-registration@1': Registration;
  'client-setup@1': Kept;
  'deployment-mark@1': MarkFile;
}

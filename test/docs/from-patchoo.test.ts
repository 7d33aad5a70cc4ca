import { followed } from '../support/pages/follow.ts';

followed('docs/from-patchoo.md');

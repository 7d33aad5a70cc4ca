import { followed } from '../support/pages/follow.ts';

followed('docs/policies.md');

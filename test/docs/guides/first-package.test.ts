import { followed } from '../../support/pages/follow.ts';

followed('docs/guides/first-package.md');

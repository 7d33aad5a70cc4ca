import { firstPackage } from '../../support/pages/first-package.ts';
import { followed } from '../../support/pages/follow.ts';

followed('docs/guides/from-depot3.md', { begin: firstPackage });

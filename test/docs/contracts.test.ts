import { firstPackage } from '../support/pages/first-package.ts';
import { followed } from '../support/pages/follow.ts';

followed('docs/contracts.md', {
  async begin(reader) {
    await firstPackage(reader);
    await reader.does('export D3_ROOT="$PWD/two"');
  },
});

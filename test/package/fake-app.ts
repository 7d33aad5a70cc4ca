import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Entry, entriesIn, merged } from '../../scripts/package/entries.ts';

/** The Node of a d3 that is none: all that installing asks of it is a rename. */
export const FAKE_NODE = 'node_modules/node-x/bin/node';

/** A d3 that only says what it is, laid out like a real one. @param how what its program does, in sh */
export function fakeApp(folder: string, version: string, how = `echo d3/${version}`): Entry[] {
  const files: Record<string, string> = {
    'bin/d3': `#!/bin/sh\n${how}\n`,
    'bin/d3admin': '#!/bin/sh\nexit 0\n',
    [FAKE_NODE]: '#!/bin/sh\nexec mv -T "$3" "$4"\n',
    'CHANGELOG.md': `# ${version}\n`,
    [`share/${'long/'.repeat(24)}name of more than a hundred bytes`]: 'far away',
  };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, text.startsWith('#!') ? 0o700 : 0o600);
  }
  return merged(entriesIn(folder));
}

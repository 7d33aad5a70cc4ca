// Builds a package with another umask than whoever started it.
import { build } from '../../src/index.ts';

const [root = '', output = ''] = process.argv.slice(2);
process.umask(0o077);
await build({ root, output, identifier: 'com.example.built', version: '1.2' });

// Builds, lists and stages a package of one large file; prints the peak resident size in MiB.
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { build, listFiles, stage } from '../../src/index.ts';

const [folder = '', size = '0'] = process.argv.slice(2);
mkdirSync(`${folder}/root`);
mkdirSync(`${folder}/target`);
writeFileSync(`${folder}/root/zeros`, '');
truncateSync(`${folder}/root/zeros`, Number(size));
const output = `${folder}/out.pkg`;
await build({ root: `${folder}/root`, output, identifier: 'com.example.zeros', version: '1' });
await listFiles(output);
await (await stage(output, { root: `${folder}/target` })).commit();
// Not from resourceUsage: there a process begins with the size of the one that started it.
const [, kib] = /^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
process.stdout.write(String(Math.round(Number(kib) / 1024)));

// One task of the bench, as anybody's script would do it: node flatpkg-task.js <task> <from> [<to>]
import { writeFileSync } from 'node:fs';
import { build, extractTo, inspect, listFiles } from '@d3/flatpkg';

const [task, from, to] = process.argv.slice(2);
if (task === 'build') await build({ root: from, output: to, identifier: 'org.example.bench', version: '1' });
else if (task === 'extract') await extractTo(from, to);
else if (task === 'list') writeFileSync(1, (await listFiles(from)).entries.map(({ path }) => `${path}\n`).join(''));
else if (task === 'inspect') await inspect(from);
else throw new Error(`there is no task ${task}`);

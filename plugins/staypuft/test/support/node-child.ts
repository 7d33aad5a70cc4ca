import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { parseDocument } from 'yaml';

/** What a Puppet server runs to learn what a node is: `SOCKET FACTS NAME`. It hands the node's facts on first, and prints what Foreman says. */
const [socketPath = '', folder = '', name = ''] = process.argv.slice(2);
const file = `${folder}/${name}.yaml`;
const facts = existsSync(file)
  ? (parseDocument(readFileSync(file, 'utf8'), { logLevel: 'silent' }).toJS() as { values?: object }).values
  : null;
const asked = request({ socketPath, path: '/puppet/nodes', method: 'POST', rejectUnauthorized: false });
asked.on('response', (answer) => {
  answer.pipe(process.stdout);
  if (answer.statusCode !== 200) process.exitCode = 1;
});
asked.end(JSON.stringify({ name, facts: facts ?? null }));

import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';

/**
 * What a Puppet server runs to learn what a node is: `SOCKET FACTS NAME`. It hands the node's facts on first, where an agent has sent any
 * yet, and prints what Foreman says.
 */
const [socketPath = '', folder = '', name = ''] = process.argv.slice(2);
const file = `${folder}/${name}.json`;
const facts = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { values: object }).values : null;
const asked = request({ socketPath, path: '/puppet/nodes', method: 'POST', rejectUnauthorized: false });
asked.on('response', (answer) => {
  answer.pipe(process.stdout);
  if (answer.statusCode === 200) return;
  process.exitCode = 1;
  process.stderr.write(`${name}, ${facts === null ? 'without facts' : 'with its facts'}: ${answer.statusCode}\n`);
});
asked.end(JSON.stringify({ name, facts }));

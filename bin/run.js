// The entry of the built d3. It is read by whatever Node is there, so nothing newer than plain CommonJS stands here,
// and nothing is loaded before it is needed: `--version` is asked for often.
const { existsSync, readdirSync, readFileSync } = require('node:fs');
const path = require('node:path');

const root = path.dirname(__dirname);
const words = process.argv.slice(2);

/** As `engines.node` in package.json says: ^24.15.0 || >=26. */
function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major >= 26 || (major === 24 && minor >= 15);
}

/** The Node that came with d3, if it is there. */
function ownNode() {
  const folder = path.join(root, 'node_modules');
  const name = (existsSync(folder) ? readdirSync(folder) : []).find(
    (entry) => entry.startsWith('node-') && existsSync(`${folder}/${entry}/bin/node`),
  );
  return name === undefined ? null : `${folder}/${name}/bin/node`;
}

/** One line, or the envelope of --json, and the exit code. */
function giveUp(code, message, exit) {
  if (words.includes('--json')) {
    const errors = [{ code, message, target: null, actions: [] }];
    const envelope = { d3: 1, command: null, exit, run: null, result: null, errors, warnings: [] };
    process.stdout.write(`${JSON.stringify(envelope)}\n`);
  } else {
    process.stderr.write(`${message}\n`);
  }
  process.exitCode = exit;
}

function refuseNode() {
  const own = ownNode();
  const where = own === null ? `"npm ci" in ${root} brings one` : `${own} is one, and ${root}/bin/d3 uses it`;
  const found = `this is ${process.version} (${process.execPath})`;
  giveUp('NODE_TOO_OLD', `d3 needs Node 24.15 or newer, and not 25; ${found}; ${where}`, 1);
}

/** The bundle, or the plain modules it is made from. */
function load() {
  const bundle = path.join(root, 'dist', 'bundle', 'startup', 'entry.cjs');
  if (existsSync(bundle)) return { code: 'bundle', entry: Promise.resolve(require(bundle)) };
  return { code: 'dist', entry: import('../dist/startup/entry.js') };
}

async function run() {
  try {
    const { code, entry } = load();
    const { start } = await entry;
    process.exit(await start(words, { root, code }));
  } catch (error) {
    giveUp('CANNOT_START', `d3 cannot start: ${error.message}; "npm run build" in ${root} may help`, 10);
  }
}

if (!isNewEnough(process.versions.node)) {
  refuseNode();
} else if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  // The same line as src/commands/version.ts prints.
  process.stdout.write(`d3 ${version} (Node ${process.versions.node}, ${process.platform}-${process.arch})\n`);
} else {
  void run();
}

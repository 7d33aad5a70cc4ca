/**
 * The main job from end to end, in one folder: a package goes from pilot to live to every machine.
 * Machines are folders, the depot is a folder, and the real root of this computer is never touched.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const project = path.dirname(import.meta.dirname);
const folder = path.resolve(process.argv[2] ?? path.join(project, 'quickstart'));
const marker = path.join(folder, 'env.sh');
const admin = userName() ?? 'sally';

const environment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('D3_'))),
  PATH: `${path.join(project, 'bin')}${path.delimiter}${process.env['PATH'] ?? ''}`,
  D3_DEPOT: path.join(folder, 'depot'),
  D3_FLAG_ADMIN: admin,
  // Compiled code and plugins of d3 itself stay in the folder too.
  XDG_CACHE_HOME: path.join(folder, '.cache'),
  XDG_DATA_HOME: path.join(folder, '.data'),
};

/** Null for root, who is nobody in particular, and for a user without an account, as containers have. */
function userName(): string | null {
  try {
    const { username } = os.userInfo();
    return username === 'root' ? null : username;
  } catch {
    return null;
  }
}

function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

function heading(text: string): void {
  say(`\n== ${text}`);
}

/** Prints a command line, runs it, shows what it says, and stops everything when it ends otherwise than it should. */
function run(line: string, { on, expect = 0 }: { on?: string; expect?: number } = {}): void {
  say(`\n$ ${on === undefined ? '' : `D3_ROOT=${on} `}${line}`);
  const env = on === undefined ? environment : { ...environment, D3_ROOT: path.join(folder, on) };
  const { status } = spawnSync('sh', ['-c', line], { cwd: folder, env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === expect) return;
  say(`\nThis should have ended with ${expect}, not ${status}. What was made so far is in ${folder}.`);
  process.exit(1);
}

function check(what: string, holds: boolean): void {
  if (!holds) {
    say(`\nNot so: ${what}`);
    process.exit(1);
  }
  say(`   => ${what}`);
}

/** Everything of a machine that its packages put there: path, content and times, without d3's own folders. */
function filesOf(machine: string): string {
  const root = path.join(folder, machine);
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => !/^(?:var|Library\/(?:Application Support|Caches))(?:\/|$)/.test(name))
    .toSorted()
    .map((name) => {
      const stat = lstatSync(path.join(root, name));
      const content = stat.isFile() ? readFileSync(path.join(root, name)).toString('base64') : '';
      return `${name} ${stat.mode} ${stat.ino} ${stat.mtimeMs} ${content}`;
    })
    .join('\n');
}

function has(machine: string, file: string): boolean {
  return existsSync(path.join(folder, machine, file));
}

/** A package's root folder: the example with a version written into it. */
function payload(version: string): void {
  const target = path.join(folder, `payload-${version}`);
  cpSync(path.join(project, 'examples', 'transmogrifier'), target, { recursive: true });
  for (const name of readdirSync(target, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(target, name);
    if (lstatSync(file).isFile()) writeFileSync(file, readFileSync(file, 'utf8').replaceAll('@VERSION@', version));
  }
}

function build(version: string): void {
  payload(version);
  run(
    `d3 pkg build payload-${version} --identifier org.example.transmogrifier --pkg-version ${version} --output transmogrifier-${version}.pkg`,
  );
}

const APP = 'Applications/Transmogrifier.app/Contents/Info.plist';
const started = Date.now();

if (existsSync(folder) && !existsSync(marker)) {
  say(
    `${folder} is there already and is not from an earlier quickstart. Name another folder: npm run quickstart -- DIR`,
  );
  process.exit(1);
}
rmSync(folder, { recursive: true, force: true });
for (const machine of ['mac-a', 'mac-b', 'mac-c']) mkdirSync(path.join(folder, machine), { recursive: true });
writeFileSync(
  marker,
  [
    `export PATH='${path.join(project, 'bin')}':"$PATH"`,
    `export D3_DEPOT='${path.join(folder, 'depot')}'`,
    `export D3_FLAG_ADMIN='${admin}'`,
    `export XDG_CACHE_HOME='${path.join(folder, '.cache')}' XDG_DATA_HOME='${path.join(folder, '.data')}'`,
    `cd '${folder}'`,
    '',
  ].join('\n'),
);
say(`Everything happens in ${folder}. mac-a, mac-b and mac-c are machines: folders that stand for their root.`);

heading('1. A depot: the folder that holds packages and what machines are told of them');
run('d3 depot init depot');

heading('2. A package is built and added. A new edition is always a pilot');
build('2.1.2');
run('d3admin add transmogrifier -v 2.1.2 -r 1 -s transmogrifier-2.1.2.pkg -g standard');

heading('3. It is tested on one machine');
run('d3 pilot transmogrifier-2.1.2-1', { on: 'mac-a' });
check('mac-a has the app', has('mac-a', APP));

heading('4. It is good, so it goes live');
run('d3admin live transmogrifier-2.1.2-1 --auto-confirm');

heading('5. Machines keep themselves up to date');
const before = filesOf('mac-a');
run('d3 sync', { on: 'mac-a' });
check('the pilot on mac-a counts as live now, and not one file was touched', filesOf('mac-a') === before);
run('d3 sync', { on: 'mac-b' });
check('mac-b got it by itself, for it is a standard package', has('mac-b', APP));

heading('6. 2.2.0 is piloted and never made live; 2.2.3 is');
build('2.2.0');
run('d3admin add transmogrifier -v 2.2.0 -s transmogrifier-2.2.0.pkg');
run('d3 sync', { on: 'mac-c' });
run('d3 pilot transmogrifier-2.2.0-1', { on: 'mac-c' });
build('2.2.3');
run('d3admin add transmogrifier -v 2.2.3 -s transmogrifier-2.2.3.pkg');
run('d3admin live transmogrifier-2.2.3-1 --auto-confirm');
run('d3 sync', { on: 'mac-a' });
run('d3 sync', { on: 'mac-b' });
check(
  'mac-a and mac-b have 2.2.3',
  ['mac-a', 'mac-b'].every((machine) => readFileSync(path.join(folder, machine, APP), 'utf8').includes('2.2.3')),
);
run('d3admin show');

heading('7. A machine that pilots is left alone until it is depiloted');
run('d3 sync', { on: 'mac-c' });
check('mac-c still has its pilot', readFileSync(path.join(folder, 'mac-c', APP), 'utf8').includes('2.2.0'));
run('d3 depilot transmogrifier', { on: 'mac-c' });
check('mac-c has the live edition back', readFileSync(path.join(folder, 'mac-c', APP), 'utf8').includes('2.2.3'));

heading('8. Looking, and taking off');
run('d3 list-installed', { on: 'mac-a' });
run('d3 list-available', { on: 'mac-a' });
mkdirSync(path.join(folder, 'mac-a', 'Applications', 'Notes.app'));
run('d3 uninstall transmogrifier', { on: 'mac-a' });
check(
  'its files are gone',
  !has('mac-a', 'Applications/Transmogrifier.app') && !has('mac-a', 'Library/Transmogrifier'),
);
check('nothing else is', has('mac-a', 'Applications/Notes.app'));

heading('9. Scripts gate installs: 0 goes on, 111 takes it as installed, anything else refuses');
cpSync(path.join(project, 'examples', 'scripts'), path.join(folder, 'scripts'), { recursive: true });
for (const [version, script] of [
  ['1', 'go'],
  ['2', 'settle'],
  ['3', 'refuse'],
] as const) {
  if (version === '1') run('d3admin add gadget -v 1 -s payload-2.2.3/Library -e scripts/go');
  else run(`d3admin add gadget -v ${version} -e scripts/${script}`);
  run(`d3admin live gadget-${version}-1 --auto-confirm`);
  run('d3 install gadget', { on: 'mac-b', expect: script === 'refuse' ? 31 : 0 });
}
run('d3 list-installed', { on: 'mac-b' });
check(
  'mac-b counts gadget 2 as installed, and has only the file of gadget 1',
  has('mac-b', 'Transmogrifier/settings.conf'),
);

say(`\nDone in ${((Date.now() - started) / 1000).toFixed(1)} s. To go on by hand:\n`);
say(`  source '${marker}'`);
say('  D3_ROOT=mac-b d3 list-details transmogrifier');
say('  D3_ROOT=mac-a d3 sync          # brings it back: it is a standard package');
say('  d3admin show pilot');
say('  d3 help');

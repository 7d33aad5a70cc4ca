import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';

/**
 * Stands in for dpkg and dpkg-query where there are none: keeps a record under the root as they do, says what they say, and does
 * what a file called `dpkg-mode` there tells it, to be as difficult as they can be. Called as `stand-in-dpkg.ts dpkg ARGS…`.
 */
const [program, ...argv] = process.argv.slice(2);

interface Entry {
  version: string;
  architecture: string;
  status: string;
  files: string[];
  provides?: string;
  multiArch?: string;
}

const optionOf = (name: string) => argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
const root = optionOf('root') ?? path.resolve(optionOf('admindir') ?? '/nowhere', '../../..');
const statusFile = path.join(root, 'var/lib/dpkg/status');
const modeFile = path.join(root, 'dpkg-mode');
const mode = existsSync(modeFile) ? readFileSync(modeFile, 'utf8') : '';
const text = existsSync(statusFile) ? readFileSync(statusFile, 'utf8') : '';
const status = new Map<string, Entry>(text === '' ? [] : Object.entries(JSON.parse(text) as Record<string, Entry>));

/** Packages for several processors are kept under names with theirs. */
function keyOf(word: string): string {
  return status.has(word) ? word : (word.split(':')[0] as string);
}

function save(): void {
  writeFileSync(statusFile, JSON.stringify(Object.fromEntries(status)));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(code: number, line: string): never {
  process.stderr.write(`dpkg: error: ${line}\n`);
  process.exit(code);
}

/** A power cut takes d3 away, and what it started with it. */
function cutAt(point: string): void {
  if (mode !== `kill ${point}`) return;
  rmSync(modeFile);
  process.kill(process.ppid, 'SIGKILL');
  process.exit(0);
}

async function install(file: string): Promise<void> {
  cutAt('before');
  if (mode === 'locked') fail(2, 'dpkg frontend lock was locked by another process with pid 4711');
  const { inspectDeb } = await import('../../src/installers/deb/inspect.ts');
  const handle = await open(file);
  const { control, entries } = await inspectDeb(handle, file);
  await handle.close();
  const { name, version, architecture } = control;
  say(`Unpacking ${name} (${version}) ...`);
  const before = status.get(name);
  status.set(name, { version, architecture, status: 'half-installed', files: [] });
  save();
  for (const { path: at, type } of entries) {
    const place = path.join(root, at);
    mkdirSync(type === 'dir' ? place : path.dirname(place), { recursive: true });
    if (type === 'file') writeFileSync(place, `${name} ${version}`);
  }
  const files = entries.map((entry) => entry.path);
  for (const at of before?.files ?? []) if (!files.includes(at)) rmSync(path.join(root, at), { force: true });
  status.set(name, { version, architecture, status: 'unpacked', files });
  save();
  cutAt('middle');
  if (mode === 'fail') {
    status.set(name, { version, architecture, status: 'half-configured', files });
    save();
    fail(1, `installed ${name} package post-installation script subprocess returned error exit status 7`);
  }
  say(`Setting up ${name} (${version}) ...`);
  status.set(name, { version, architecture, status: 'installed', files });
  save();
  cutAt('after');
}

function remove(word: string): void {
  const name = keyOf(word);
  const entry = status.get(name);
  if (mode === 'needed') fail(1, `dependency problems prevent removal of ${name}:\n other depends on ${name}.`);
  for (const at of (entry?.files ?? []).toReversed()) {
    const place = path.join(root, at);
    const isFolder = lstatSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
    if (!isFolder) rmSync(place, { force: true });
    else if (readdirSync(place).length === 0) rmdirSync(place);
  }
  cutAt('removal');
  status.delete(name);
  save();
}

function configure(): void {
  for (const [name, entry] of status) {
    if (entry.status === 'unpacked' || entry.status === 'half-configured')
      status.set(name, { ...entry, status: 'installed' });
  }
  save();
}

function show(): void {
  for (const [key, { version, architecture, status: state, provides = '', multiArch = 'no' }] of status)
    say([key.split(':')[0], version, architecture, state, multiArch, provides].join('\t'));
}

function listFiles(word: string): void {
  say('/.');
  for (const at of status.get(keyOf(word))?.files ?? []) {
    say(at);
    if (at.endsWith('/diverted')) say(`package diverts others to: ${at}.distrib`);
  }
}

if (program === 'dpkg-query') {
  if (argv.includes('--show')) show();
  else listFiles(argv.at(-1) as string);
} else if (argv.includes('--print-architecture')) say('amd64');
else if (argv.includes('--print-foreign-architectures')) say('i386');
else if (argv.includes('--install')) await install(argv.at(-1) as string);
else if (argv.includes('--remove')) remove(argv.at(-1) as string);
else if (argv.includes('--configure')) configure();
else fail(2, `what is ${argv.join(' ')}?`);

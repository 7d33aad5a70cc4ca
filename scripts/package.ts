/**
 * Makes the packages of d3: `npm run package -- --out DIR`. The same commit, version and time give the same bytes.
 * Nothing is downloaded but from npm, and only what the lockfile has for systems other than this one.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { isBuilt, KINDS, type Kind, makePackages, writeSums } from './package/make.ts';
import { PLATFORMS } from './package/platforms.ts';

const root = path.dirname(import.meta.dirname);
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: path.join(root, 'out') },
    version: { type: 'string' },
    kind: { type: 'string', multiple: true },
    platform: { type: 'string', multiple: true },
    maintainer: { type: 'string', default: 'd3 <d3@localhost>' },
    'no-build': { type: 'boolean', default: false },
  },
});

function chosen<T>(all: readonly T[], names: readonly string[] | undefined, nameOf: (one: T) => string): T[] {
  const unknown = names?.find((name) => !all.some((one) => nameOf(one) === name));
  if (unknown !== undefined) fail(`"${unknown}" is none of ${all.map(nameOf).join(', ')}`);
  return all.filter((one) => names === undefined || names.includes(nameOf(one)));
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

/** When this commit was made, unless somebody says otherwise. */
function seconds(): number {
  const said = process.env['SOURCE_DATE_EPOCH'];
  const text =
    said ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
  if (!/^\d{1,11}$/.test(text)) fail(`SOURCE_DATE_EPOCH is "${text}", and no number of seconds since 1970`);
  return Number(text);
}

const { version = (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }).version } =
  values;
if (!/^\d+\.\d+\.\d+(?:-[a-z0-9.]+)?$/.test(version)) fail(`"${version}" is no version such as 1.2.3 or 1.2.3-rc.1`);
const kinds: Kind[] = chosen(KINDS, values.kind, (kind) => kind);
const platforms = chosen(PLATFORMS, values.platform, ({ name }) => name);
// Manual pages are a part of d3 like others, made by a script of their own.
const manual = path.join(root, 'scripts', 'man.ts');
const node = ['--conditions=d3-source', '--disable-warning=ExperimentalWarning'];

if (!values['no-build'] || !isBuilt(root)) {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
const out = path.resolve(values.out);
await makePackages({
  root,
  out,
  version,
  seconds: seconds(),
  kinds,
  platforms,
  maintainer: values.maintainer,
  writeManual: (folder) => {
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(seconds()) };
    execFileSync(process.execPath, [...node, manual, path.join(folder, 'man1')], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  },
  made: (file) => process.stdout.write(`${file}\n`),
});
writeSums(out);

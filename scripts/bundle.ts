/**
 * d3 and @oclif/core as few CommonJS files: most of a start is otherwise spent on finding and reading some 300 modules.
 * What a command may never need is in files of its own, which are read when it is first used.
 */
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Plugin, rolldown } from 'rolldown';
import { sharedEntry } from '../src/startup/shared-modules.ts';

/** Packages that plugins share with d3, with every part they offer. */
const SHARED = ['@oclif/core', '@d3/sdk', '@d3/flatpkg'];

/** Parts of Node that take milliseconds to load. */
const LATE_BUILTINS = new Set(
  'fs/promises crypto child_process zlib tty readline http https net sqlite stream stream/promises os perf_hooks'.split(
    ' ',
  ),
);

/** Packages @oclif/core loads at once and seldom needs. */
const LATE_PACKAGES =
  'ansi-escapes ansis clean-stack cli-spinners ejs get-package-type indent-string lilconfig minimatch semver string-width supports-color tinyglobby widest-line wordwrap wrap-ansi'.split(
    ' ',
  );

/** Parts of @oclif/core that open the process's streams as soon as they are loaded, or are seldom needed. */
const LATE_PARTS =
  /\/@oclif\/core\/lib\/(?:ux\/index|screen|help\/index|errors\/handle|execute|main|constraints\/index)\.js$/;

/** What oclif looks for only if it is installed. */
const OPTIONAL = /^(?:typescript|tsx|ts-node|pnpapi)(?:\/|$)/;

/** Packages whose work is done otherwise, or only when somebody asks for it. */
const REPLACED: Readonly<Record<string, string>> = {
  // Whether d3 runs in Windows' Linux makes no difference to it, and takes 8 ms to find out.
  'wsl-utils': 'exports.isWsl = false;',
  // oclif asks for a logger at every turn; without DEBUG none of them says anything.
  debug: `const quiet = () => Object.assign(() => {}, { enabled: false, extend: quiet });
module.exports = process.env.DEBUG ? require('late:debug') : quiet;`,
};

/** What every command needs is one file, instead of one for each set of commands that shares something. */
const GROUPS = [
  {
    name: 'start',
    test: /\/src\/(?:startup\/(?:entry|compile-cache|shared-modules)|platform\/(?:paths|trusted-folder))\.ts$/,
    priority: 4,
  },
  { name: 'oclif', test: /\/node_modules\/@oclif\/core\/|stand-in:/, priority: 3 },
  {
    // What lists and syncs on a machine share; neither the admins' side of a depot nor what verifies a new catalog.
    name: 'machine',
    test: /\/src\/(?:catalog|config|lifecycle|platform)\/|\/src\/client\/(?:(?:computer|lists|status)\.ts$|state\/)|\/src\/planner\/(?!(?:explain|findings|plan|proposals|requested)\.ts$)|\/src\/installers\/(?:driver|index|pkg)\.ts$|\/src\/cli\/(?:depot-location|installed-list|machine|patience|plugin-ports|table-text)\.ts$|\/src\/depot\/(?:blobs|client|document-kinds|files|index|kinds|report-path|schemas|transport|trust)\.ts$/,
    priority: 1,
  },
  {
    // What plans and changes, which no list waits for.
    name: 'acting',
    test: /\/src\/(?:client|planner)\/|\/src\/cli\/(?:decision-text|outcome-text|request-command)\.ts$/,
    priority: 0,
  },
  {
    // Without what draws trees: it brings a package that brings parts of Node.
    name: 'd3',
    test: /\/src\/(?:argv|main|terminal\/(?!listr\.).+|startup\/(?!probe).+|cli\/(?:base|command-table|flags|inputs|session|usage))\.ts$/,
    priority: 2,
  },
];

const STAND_IN = '\0stand-in:';
const ENTRY = '\0entry:';

/** Puts a stand-in for a module, which loads the real one when something of it is used. */
const late: Plugin = {
  name: 'late',
  resolveId(specifier, importer) {
    if (specifier.startsWith(ENTRY)) return specifier;
    if (specifier.startsWith('late:')) return { id: specifier, external: true };
    if (importer === undefined || importer.startsWith(STAND_IN)) return null;
    const builtin = specifier.replace(/^node:/, '');
    if (LATE_BUILTINS.has(builtin)) return mayStandIn(importer) ? `${STAND_IN}node:${builtin}` : null;
    if (specifier in REPLACED) return STAND_IN + specifier;
    if (specifier.startsWith('.') && importer.includes('/@oclif/core/lib/')) {
      const part = createRequire(importer).resolve(specifier);
      return LATE_PARTS.test(part) ? STAND_IN + part : null;
    }
    return LATE_PACKAGES.includes(specifier) && importer.includes('/@oclif/core/')
      ? `${STAND_IN}late:${specifier}`
      : null;
  },
  load(id) {
    // Late packages need each other too, and would get what only whoever requires an entry may have.
    if (id.startsWith(ENTRY)) return { code: `module.exports = require(${JSON.stringify(id.slice(ENTRY.length))});` };
    if (!id.startsWith(STAND_IN)) return null;
    const real = id.slice(STAND_IN.length);
    return { code: REPLACED[real] ?? standIn(real), moduleType: 'js' };
  },
  transform(code, id) {
    if (!id.endsWith('/@oclif/core/lib/command.js')) return null;
    // It would open stdout on every start; the terminal looks after readers that leave.
    const listening = /^process\.stdout\.on\('error', [\s\S]*?^\}\);$/m;
    if (!listening.test(code))
      throw new Error('@oclif/core no longer listens to stdout where it did: look at bundle.ts');
    return { code: code.replace(listening, '') };
  },
};

/** Other people's modules may extend what a builtin is (`class extends Stream`), which nothing can stand in for. */
function mayStandIn(importer: string): boolean {
  return !importer.includes('/node_modules/') || importer.includes('/node_modules/@oclif/core/');
}

function standIn(real: string): string {
  const load = `let real;\nconst load = () => (real ??= require(${JSON.stringify(real)}));\n`;
  if (real.startsWith('node:')) {
    // Whoever imports it copies its properties, so all of them must be there, each as a getter.
    const names = JSON.stringify(Object.keys(createRequire(import.meta.url)(real) as object));
    return `${load}for (const name of ${names}) Object.defineProperty(exports, name, { enumerable: true, get: () => load()[name] });`;
  }
  return `${load}module.exports = new Proxy(function () {}, {
  get: (_, name) => (name === '__esModule' ? ${real.startsWith('/')} : load()[name]),
  has: (_, name) => name in load(),
  apply: (_, self, values) => Reflect.apply(load(), self, values),
  construct: (_, values) => Reflect.construct(load(), values),
});`;
}

/**
 * @param to the folder of the bundle; what is in it goes
 * @param more what else has a file in it that runs by itself, by name, as tests want it
 */
export async function bundle(root: string, to: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const shared = SHARED.flatMap((name) => partsOf(root, name));
  const modules = ['src/startup/entry.ts', 'src/startup/probe.ts', ...globSync('src/commands/**/*.ts', { cwd: root })];
  const core = createRequire(createRequire(path.join(root, 'package.json')).resolve('@oclif/core'));
  const built = await rolldown({
    cwd: root,
    input: Object.fromEntries([
      ...modules.map((file) => [file.replace(/^src\/(.+)\.ts$/, '$1'), file]),
      ...shared.map((specifier) => [sharedEntry(specifier), specifier]),
      ...[...LATE_PACKAGES, 'debug'].map((name) => [`late/${name}`, ENTRY + core.resolve(name)]),
      ...Object.entries(more),
    ]),
    platform: 'node',
    // Some load a module late that others need at once; GROUPS says which file it goes into.
    checks: { ineffectiveDynamicImport: false },
    // Native code stays a package of its own, and so does what chooses its own files by who asks for them.
    external: [OPTIONAL, '@napi-rs/keyring', 'pg', 'pg-boss'],
    // oclif would look for its own package.json to check Node's version; bin/run.js has done that.
    transform: { define: { 'process.env.OCLIF_DISABLE_ENGINE_WARNING': '"1"' } },
    resolve: { conditionNames: ['d3-source', 'node', 'import', 'require', 'default'] },
    plugins: [late],
    logLevel: 'warn',
  });
  rmSync(to, { recursive: true, force: true });
  await built.write({
    dir: to,
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: 'parts/[name]-[hash].cjs',
    paths: (id) => id.replace(/^late:(.+)$/, '../late/$1.cjs'),
    // Names stay, for stacks that can be read; comments and spaces would only be read from the disk.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    codeSplitting: { groups: GROUPS },
  });
  await built.close();
  nameExports(to, shared);
}

/** What can be imported of a package. */
function partsOf(root: string, name: string): string[] {
  const file = path.join(root, 'node_modules', name, 'package.json');
  const { exports } = JSON.parse(readFileSync(file, 'utf8')) as { exports: Record<string, unknown> };
  return Object.keys(exports)
    .filter((part) => part !== './package.json')
    .map((part) => path.posix.join(name, part));
}

/** Node finds the names a CommonJS file exports by reading it; in these it would find none. */
function nameExports(to: string, shared: readonly string[]): void {
  const require = createRequire(path.join(to, 'index.cjs'));
  for (const specifier of shared) {
    const file = path.join(to, `${sharedEntry(specifier)}.cjs`);
    const names = Object.keys(require(file) as object).filter((name) => name !== 'default');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n0 && (module.exports = { ${names.join(', ')} });\n`);
  }
}

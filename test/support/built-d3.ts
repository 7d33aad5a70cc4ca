import {
  copyFileSync,
  cpSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { bundle } from '../../scripts/bundle.ts';
import { writePage } from '../../scripts/page.ts';
import { writeOwnIndex } from '../../src/startup/own-plugins.ts';
import { MANY, RESIDENT } from '../cli/spawn.ts';

/**
 * Makes d3 as users run it of the sources as they are now, without the repository's own build. It starts in a fifth of the
 * time the sources take, which is most of what the tests of whole commands cost.
 * @param repository where the sources are
 * @param to an empty folder; it becomes d3's own
 */
export async function buildD3(repository: string, to: string): Promise<void> {
  for (const file of ['package.json', 'oclif.manifest.json'])
    copyFileSync(path.join(repository, file), path.join(to, file));
  cpSync(path.join(repository, 'bin'), path.join(to, 'bin'), { recursive: true });
  // Unless a test says otherwise it keeps nothing in the home of whoever runs the tests.
  const entry = path.join(to, 'bin/run.js');
  writeFileSync(entry, `process.env.NODE_DISABLE_COMPILE_CACHE ??= '1';\n${readFileSync(entry, 'utf8')}`);
  linkAll(path.join(repository, 'node_modules'), path.join(to, 'node_modules'), '@d3');
  const own = globSync(['packages/*', 'plugins/*'], { cwd: repository });
  await Promise.all([
    bundle(repository, path.join(to, 'dist/bundle'), {
      [MANY]: 'test/commands/many.ts',
      [RESIDENT]: 'test/support/pages/resident.ts',
    }),
    writePage(repository, path.join(to, 'dist/page')),
    ...own.map((folder) => buildPackage(path.join(repository, folder), path.join(to, 'node_modules'))),
  ]);
  await writeOwnIndex(to);
}

/** One of the packages in the repository: its modules as JavaScript, everything else of it as it is. */
async function buildPackage(from: string, modules: string): Promise<void> {
  const { exports = {}, ...pjson } = JSON.parse(readFileSync(path.join(from, 'package.json'), 'utf8')) as {
    name: string;
    exports?: Record<string, { default: string }>;
  };
  const to = path.join(modules, pjson.name);
  linkAll(from, to, 'package.json', 'src', 'dist', 'node_modules');
  const built = Object.entries(exports).map(([part, file]) => [part, file.default]);
  writeFileSync(
    path.join(to, 'package.json'),
    JSON.stringify(built.length === 0 ? pjson : { ...pjson, exports: Object.fromEntries(built) }),
  );
  const source = await rolldown({
    input: Object.fromEntries(
      globSync('src/**/*.ts', { cwd: from }).map((file) => [
        file.replace(/^src\/(.+)\.ts$/, '$1'),
        path.join(from, file),
      ]),
    ),
    platform: 'node',
    // Whatever is no file of its own stays what it is: another package.
    external: /^[^./]/,
    treeshake: false,
    logLevel: 'warn',
  });
  await source.write({
    dir: path.join(to, 'dist'),
    format: 'esm',
    preserveModules: true,
    preserveModulesRoot: path.join(from, 'src'),
  });
  await source.close();
}

function linkAll(from: string, to: string, ...but: string[]): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from))
    if (!but.includes(name)) symlinkSync(path.join(from, name), path.join(to, name));
}

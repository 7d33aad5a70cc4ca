import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';

/** The laws of the house (ARCHITECTURE.md), read off the sources themselves. */

const project = path.dirname(import.meta.dirname);
const FOLDERS = ['src', 'packages/sdk/src', 'packages/flatpkg/src', 'packages/show/src'];
const plugins = globSync('plugins/*/src', { cwd: project });

interface Import {
  from: string;
  /** Path of a file of the project, or the name of a package. */
  to: string;
  typeOnly: boolean;
}

interface Source {
  file: string;
  text: string;
  imports: Import[];
}

const sources: Source[] = [...FOLDERS, ...plugins]
  .flatMap((folder) =>
    globSync('**/*.{ts,tsx}', { cwd: path.join(project, folder) }).map((name) => path.join(folder, name)),
  )
  .map((file) => {
    const text = readFileSync(path.join(project, file), 'utf8');
    return { file, text, imports: importsOf(file, text) };
  });

function importsOf(from: string, text: string): Import[] {
  const found: Import[] = [];
  const statement = /^(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+\sfrom\s+)?'([^'\s]+)';/gm;
  for (const [, type, to] of text.matchAll(statement))
    found.push({ from, to: target(from, to as string), typeOnly: type !== undefined });
  const code = text.replaceAll(/^\s*\/?\*.*$/gm, '');
  for (const [, to] of code.matchAll(/\bimport\('([^']+)'\)/g))
    found.push({ from, to: target(from, to as string), typeOnly: false });
  return found;
}

function target(from: string, to: string): string {
  return to.startsWith('.') ? path.join(path.dirname(from), to) : to;
}

function within(folder: string): Source[] {
  return sources.filter(({ file }) => file.startsWith(`${folder}/`));
}

/** Lines of code that match, comments aside, as `file: line`. */
function lines(all: readonly Source[], pattern: RegExp): string[] {
  return all.flatMap(({ file, text }) =>
    text
      .split('\n')
      .filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line) && pattern.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );
}

function outside(...allowed: string[]): Source[] {
  return within('src').filter(({ file }) => !allowed.some((place) => file === place || file.startsWith(`${place}/`)));
}

describe('the laws of the house', () => {
  it('the walker sees the house', () => {
    expect(sources.length).to.be.greaterThan(100);
    const all = sources.flatMap((source) => source.imports);
    expect(all.length).to.be.greaterThan(400);
    const broken = all.filter(({ to }) => /\.tsx?$/.test(to) && !existsSync(path.join(project, to)));
    expect(broken).to.deep.equal([]);
  });

  it('the host never imports a plugin', () => {
    // `src/plugins` installs plugins; what lies in `plugins` is them, and a path of the project begins so.
    const isPlugin = (to: string) => /^plugins\/|@d3\/plugin/.test(to);
    expect(isPlugin(target('src/cli/a.ts', '../../plugins/jamf/src/b.ts'))).to.equal(true);
    expect(isPlugin(target('src/cli/a.ts', '../plugins/service.ts'))).to.equal(false);
    const wrong = within('src').flatMap(({ imports }) => imports.filter(({ to }) => isPlugin(to)));
    expect(wrong).to.deep.equal([]);
  });

  it('packages and plugins import nothing of the host; plugins only the sdk, flatpkg and show', () => {
    const packages = sources.filter(({ file }) => !file.startsWith('src/'));
    expect(packages.flatMap(({ imports }) => imports.filter(({ to }) => to.startsWith('src/')))).to.deep.equal([]);
    // `show` is a library like `flatpkg`: two plugins put something on the same screen, and neither may import the other.
    const allowed = /^(?:@d3\/(?:sdk|flatpkg|show)(?:\/|$)|node:)/;
    const wrong = plugins.flatMap((folder) =>
      within(folder).flatMap(({ imports }) => imports.filter(({ to }) => to.startsWith('@d3/') && !allowed.test(to))),
    );
    expect(wrong).to.deep.equal([]);
    const flatpkg = within('packages/flatpkg/src').flatMap(({ imports }) => imports.map(({ to }) => to));
    expect(
      flatpkg.filter((to) => !/^(?:packages\/flatpkg\/|node:|(?:saxes|xz-decompress|yauzl)$)/.test(to)),
    ).to.deep.equal([]);
    const show = within('packages/show/src').flatMap(({ imports }) => imports.map(({ to }) => to));
    expect(show.length).to.be.greaterThan(20);
    expect(show.filter((to) => !/^(?:packages\/show\/|node:)/.test(to))).to.deep.equal([]);
  });

  it('catalog and planner do no input or output', () => {
    const pure = /^(?:src\/catalog\/|@d3\/sdk$|node:util$)/;
    const catalog = within('src/catalog').flatMap(({ imports }) => imports.filter(({ to }) => !pure.test(to)));
    expect(catalog).to.deep.equal([]);
    const planner = within('src/planner').flatMap(({ imports }) =>
      imports.filter(({ to }) => !pure.test(to) && !to.startsWith('src/planner/')),
    );
    expect(planner).to.deep.equal([]);
    expect(
      lines([...within('src/catalog'), ...within('src/planner')], /\b(?:process|globalThis|Math\.random)\b/),
    ).to.deep.equal([]);
  });

  it('the engine of runs knows neither machines nor depots: all it needs is handed in', () => {
    const pure = /^(?:src\/runs\/|src\/json-schema\.ts$|@d3\/sdk$)/;
    const wrong = within('src/runs').flatMap(({ imports }) => imports.filter(({ to }) => !pure.test(to)));
    expect(wrong).to.deep.equal([]);
    expect(lines(within('src/runs'), /\b(?:process|globalThis|Math\.random|setTimeout|setInterval)\b/)).to.deep.equal(
      [],
    );
  });

  it('commands import services, never a store or an adapter', () => {
    const allowed =
      /^(?:src\/(?:cli|admin|client|catalog|planner|plugins|runs|terminal)\/|src\/startup\/doctor\.ts$|src\/installers\/tools\.ts$|@d3\/|@oclif\/core$|node:path$)/;
    const wrong = within('src/commands').flatMap(({ imports }) =>
      imports.filter(({ to, typeOnly }) => !typeOnly && !allowed.test(to)),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('commands load services when they run, not when they are found', () => {
    const wrong = within('src/commands').flatMap(({ file, text }) =>
      [...text.matchAll(/^import (?!type )[^;]*? from '(?:\.\.\/)+(?:admin|client|plugins|runs)\/[^']+';/gm)].map(
        ([line]) => `${file}: ${line}`,
      ),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('only the terminal writes to the screen', () => {
    const wrong = lines(outside('src/terminal'), /\bconsole\.|process\.(?:stdout|stderr)|\bux\.(?:stdout|stderr)/);
    expect(wrong).to.deep.equal([]);
  });

  it('only adapters spawn', () => {
    const wrong = outside('src/platform', 'src/terminal/pager.ts').flatMap(({ imports }) =>
      imports.filter(({ to }) => to === 'node:child_process' || to === 'child_process'),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('patchoo:SQ-05 no program is started through a shell but an editor somebody chose and the guard, whose text is fixed', () => {
    expect(lines(sources, /(?<!#)\bshell:/), 'a line for a shell to take apart').to.deep.equal([]);
    const own = /import \{[^}]*\b(?:exec|execSync)\b[^}]*\} from 'node:child_process'/;
    expect(sources.filter(({ text }) => own.test(text)).map(({ file }) => file)).to.deep.equal([]);
    const shells = sources.filter(({ text }) => /\[\s*'-l?c',/.test(text)).map(({ file }) => file);
    expect(shells).to.deep.equal(['src/platform/editor.ts', 'src/platform/guard.ts']);
  });

  it('only the clock reads the time', () => {
    const wrong = lines(outside('src/platform/clock.ts'), /\bDate\.now\(|new Date\(\)|performance\.now\(/);
    expect(wrong).to.deep.equal([]);
  });

  it('only adapters change files', () => {
    const adapters = [
      'src/platform/rootfs.ts',
      // Open folders and lists to look into them only.
      'src/platform/stepping.ts',
      'src/platform/dpkg-claims.ts',
      'src/platform/plain-file.ts',
      'src/platform/exec.ts',
      'src/platform/log-file.ts',
      'src/platform/edit-file.ts',
      'src/platform/replace-file.ts',
      'src/platform/schedules.ts',
      'src/platform/make-folder.ts',
      // Folders of a moment: what a disk image is attached at, and where something is packed.
      'src/platform/disk-image.ts',
      'src/platform/work-folder.ts',
      'src/platform/plugin-store.ts',
      'src/platform/held-folder.ts',
      'src/depot',
      'src/client/state/database.ts',
      'src/client/state/rebuild.ts',
      'src/client/fetch.ts',
      'src/client/lock.ts',
      'src/client/self.ts',
      'src/client/script-blobs.ts',
      'src/admin/package-file.ts',
      'src/platform/editor.ts',
    ];
    const changing =
      /\b(?:writeFile|appendFile|mkdir|mkdtemp|rename|unlink|rmdir|rm|symlink|link|chmod|chown|truncate|open|createWriteStream|cp|copyFile)(?:Sync)?\b/;
    const wrong = outside(...adapters).flatMap(({ file, text }) =>
      [...text.matchAll(/import \{([^}]*)\} from 'node:fs(?:\/promises)?'/g)]
        .filter(([, names]) => changing.test(names as string))
        .map(([whole]) => `${file}: ${whole}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('no absolute path of a machine is written into code that acts', () => {
    const acting = [
      ...within('src/client'),
      ...within('src/installers'),
      ...within('src/depot'),
      ...within('src/admin'),
      ...within('src/planner'),
    ];
    expect(lines(acting, /['"`]\/(?:etc|var|usr|tmp|home|Users|Library|opt|private|root)\b/)).to.deep.equal([]);
  });

  it('the machine side never opens the depot database, and the depot is used through its face', () => {
    const database = /^src\/depot\/(?!index\.ts$|contract\.ts$)/;
    // What schemas are made of names types of all rooms: nothing of it is there when d3 runs.
    const types = 'src/contracts.ts';
    const wrong = outside('src/depot').flatMap(({ imports }) =>
      imports.filter(({ from, to, typeOnly }) => database.test(to) && !(from === types && typeOnly)),
    );
    expect(wrong).to.deep.equal([]);
    expect(outside(types).flatMap(({ imports }) => imports.filter(({ to }) => to === types))).to.deep.equal([]);
    const heavy = within('src/client').flatMap(({ imports }) =>
      imports.filter(({ to, typeOnly }) => to === 'src/depot/index.ts' && !typeOnly),
    );
    expect(heavy).to.deep.equal([]);
  });

  it('the page runs in browsers: it shares words and pure rules with the server, nothing else, and nothing loads it', () => {
    const page = 'src/depot/page';
    const shared = /^(?:src\/depot\/page\/|preact(?:\/hooks)?$)/;
    const types = /^src\/depot\/views\/answers\.ts$/;
    const wrong = within(page).flatMap(({ imports }) =>
      imports.filter(({ to, typeOnly }) => !shared.test(to) && !(typeOnly && types.test(to))),
    );
    expect(wrong).to.deep.equal([]);
    expect(outside(page).flatMap(({ imports }) => imports.filter(({ to }) => to.startsWith(page)))).to.deep.equal([]);
    expect(
      lines(within(page), /innerHTML|dangerouslySet|localStorage|sessionStorage|\beval\(|https?:\/\/(?!www\.w3\.org)/),
    ).to.deep.equal([]);
  });

  it('there is no cycle among the modules', () => {
    const graph = new Map(
      sources.map(({ file, imports }) => [
        file,
        imports.filter(({ to, typeOnly }) => /\.tsx?$/.test(to) && !typeOnly).map(({ to }) => to),
      ]),
    );
    expect(cycles(graph)).to.deep.equal([]);
  });
});

function cycles(graph: Map<string, string[]>): string[] {
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (file: string, trail: string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      found.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
      return;
    }
    state.set(file, 'open');
    for (const to of graph.get(file) ?? []) visit(to, [...trail, file]);
    state.set(file, 'done');
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}

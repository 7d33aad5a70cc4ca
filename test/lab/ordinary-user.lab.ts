import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { d3, type Ended } from '../cli/spawn.ts';
import { type Running, serveProcess } from '../support/serve-process.ts';

const project = path.dirname(path.dirname(import.meta.dirname));
const NOBODY = 65_534;
const TO_NOBODY = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
const COPIED = [
  'bin',
  'dist',
  'scripts',
  'examples',
  'packages',
  'plugins',
  'package.json',
  'oclif.manifest.json',
  'node_modules',
];

describe('an ordinary user', () => {
  let home: string;
  let copy: string;
  before(() => {
    home = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-'));
    chownSync(home, NOBODY, NOBODY);
    copy = path.join(home, 'project');
    mkdirSync(copy);
    for (const name of COPIED)
      cpSync(path.join(project, name), path.join(copy, name), { recursive: true, verbatimSymlinks: true });
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  const PATH = `${path.join(project, 'node_modules', '.bin')}:/usr/bin:/bin`;

  /** Runs a command as nobody, with a copy of the build in a folder of its own. */
  function asNobody(command: string, ...rest: string[]): { status: number | null; output: string } {
    const env = { PATH, HOME: home, USER: 'calvin' };
    const { status, stdout, stderr } = spawnSync('setpriv', [...TO_NOBODY, command, ...rest], {
      cwd: home,
      env,
      encoding: 'utf8',
    });
    return { status, output: `${stdout}${stderr}` };
  }

  it('walks the whole quickstart in one folder and leaves nothing outside it', () => {
    const outside = () =>
      execFileSync(
        'find',
        ['/', '-xdev', '-user', String(NOBODY), '-not', '-path', `${home}/*`, '-not', '-path', '/proc/*'],
        { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
      );
    const before = outside();
    const { status, output } = asNobody('node', path.join(copy, 'scripts/quickstart.ts'), path.join(home, 'walk'));
    expect(status, output).to.equal(0);
    expect(output).to.include('Done in');
    expect(existsSync(path.join(home, 'walk', 'env.sh'))).to.equal(true);
    expect(outside()).to.equal(before);
  });

  it('may look at a machine but not change it, and is told so', () => {
    const root = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-root-'));
    chmodSync(root, 0o755);
    try {
      const d3 = (...argv: string[]) => asNobody(path.join(home, 'project/bin/d3'), ...argv, '--root', root);
      expect(d3('list-installed').status).to.equal(0);
      const sync = d3('sync', '--depot', path.join(home, 'walk/depot'));
      expect(sync.status, sync.output).to.equal(21);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  describe('on a depot over the network, and in a simulation', function () {
    this.timeout(600_000);
    let depot: string;
    let served: Running;
    let credentials: string;
    before(async () => {
      depot = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-depot-'));
      mkdirSync(path.join(depot, 'payload/opt/lamp'), { recursive: true });
      chmodSync(depot, 0o755);
      const dir = path.join(depot, 'depot');
      const here = (...words: string[]) => succeeds(d3(words, { env: { D3_DEPOT: dir, D3_FLAG_ADMIN: 'sally' } }));
      await here('depot', 'init', dir);
      await here('admin', 'ea', 'add', 'Build', '--type', 'choice', '--choices', 'studio,office');
      const token = await here('admin', 'token', 'add', 'sally', '--role', 'admin', '--json');
      credentials = `sally:${JSON.parse(token).result.secret}`;
      served = await serveProcess(dir);
    });
    after(async () => {
      await served?.end('SIGTERM');
      rmSync(depot, { recursive: true, force: true });
    });

    /**
     * Runs a command of the build where nothing of d3 is on the machine but, if so wanted, a state only root may look into.
     * @returns how it ended, and all that is in those places then, with its mode
     */
    function onMachine(who: 'root' | 'nobody', closed: boolean, ...words: string[]) {
      const own = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-own-'));
      if (who === 'nobody') chownSync(own, NOBODY, NOBODY);
      const list = path.join(own, 'left');
      const command = [path.join(copy, 'bin/d3'), ...words];
      try {
        const { status, stdout, stderr } = spawnSync(
          'unshare',
          [
            '--mount',
            'sh',
            '-c',
            MACHINE,
            'sh',
            list,
            closed ? '700' : '',
            ...(who === 'root' ? command : ['setpriv', ...TO_NOBODY, ...command]),
          ],
          {
            cwd: own,
            env: { PATH, HOME: own, USER: 'calvin', D3_DEPOT: served.url, D3_CREDENTIALS: credentials },
            encoding: 'utf8',
          },
        );
        return { status, output: `${stdout}${stderr}`, left: readFileSync(list, 'utf8').trim().split('\n') };
      } finally {
        rmSync(own, { recursive: true, force: true });
      }
    }

    const lines = (name: string): string[][] => [
      ['admin', 'add', name, '--version', '1', '--source', path.join(depot, 'payload')],
      ['admin', 'live', `${name}-1-1`, '-a'],
      ['provision', 'assign', `C02${name.toUpperCase()}`, '--ahead', '--build', 'studio'],
      ['provision', 'simulate'],
    ];
    const CACHE = ['drwxr-xr-x /var/cache/d3', 'drwx------ /var/cache/d3/compile', 'drwx------ /var/cache/d3/work'];

    it('root leaves nothing in the state of the machine, and what it keeps to be faster bars nobody', () => {
      for (const words of lines('lamproot')) {
        const { status, output, left } = onMachine('root', false, ...words);
        expect(status, output).to.equal(0);
        expect(CACHE, words.join(' ')).to.include.members(left);
        expect(left, words.join(' ')).to.include(CACHE[0]);
      }
    });

    for (const closed of [true, false]) {
      it(`anybody else does the same, ${closed ? 'also where only root may look into that state' : 'and it is not made'}`, () => {
        const before = closed ? ['drwx------ /var/lib/d3'] : [''];
        for (const words of lines(closed ? 'lampone' : 'lamptwo')) {
          const { status, output, left } = onMachine('nobody', closed, ...words);
          expect(status, output).to.equal(0);
          expect(left, words.join(' ')).to.deep.equal(before);
        }
      });
    }

    it('who may not look into the state of the machine is told so, not that nothing is there', () => {
      const { status, output, left } = onMachine('nobody', true, 'list-installed');
      expect(status, output).to.equal(21);
      expect(output).to.include('cannot be opened').and.include('as root');
      expect(left).to.deep.equal(['drwx------ /var/lib/d3']);
    });
  });
});

/** $1: where what is left is listed, $2: the mode of a state that is there already; then the command. */
const MACHINE = `
for place in /var/lib /var/cache /var/log; do mount -t tmpfs d3-lab "$place"; done
list=$1
test -z "$2" || mkdir -m "$2" /var/lib/d3
shift 2
"$@"
code=$?
find /var/lib /var/cache /var/log -mindepth 1 -not -path '*/compile/*' -printf '%M %p\\n' | sort -k 2 > "$list"
exit $code`;

async function succeeds(ended: Promise<Ended>): Promise<string> {
  const { code, stdout, stderr } = await ended;
  expect(code, stderr).to.equal(0);
  return stdout;
}

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../cli/spawn.ts';
import { Sandbox } from '../support/sandbox.ts';

describe('d3admin as a process', () => {
  let sandbox: Sandbox;
  let home: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    home = path.join(sandbox.dir, 'home');
    mkdirSync(home);
  });
  afterEach(() => sandbox.remove());

  const env = () => ({ XDG_CONFIG_HOME: path.join(home, '.config'), D3_DEPOT: sandbox.depot, USER: 'root' });
  const admin = (argv: string[], more: Record<string, string | undefined> = {}, input = '') =>
    d3(['admin', ...argv], { env: { ...env(), ...more }, input, cwd: sandbox.dir });
  const sally = { D3_FLAG_ADMIN: 'sally' };
  const preferences = () => path.join(home, '.config', 'd3', 'admin.json');

  it('depot3:J01 depot3:BUG-31 refuses root without a name and names that are nobody’s, and records the name given', async () => {
    const folder = sandbox.folder('root', { 'opt/tool': 'x' });
    const argv = ['add', 'tool', '-v', '1', '-s', folder];
    const nobody = await admin(argv);
    expect(nobody.code).to.equal(2);
    expect(nobody.stderr).to.include('--admin NAME');
    expect((await admin([...argv, '--admin', 'root'])).code).to.equal(2);
    const named = await admin([...argv, '--admin', 'fritz', '--json']);
    expect(named.code, named.stderr).to.equal(0);
    expect(JSON.parse(named.stdout).result.edition.addedBy).to.equal('fritz');
  });

  it('depot3:J02 depot3:J03 keeps what an admin usually wants, for nobody else to read, and uses it', async () => {
    const noDepot = { D3_DEPOT: undefined };
    const unknown = await admin(['show'], noDepot);
    expect(unknown.stderr).to.include('d3admin config depot');
    for (const [target, value] of [
      ['depot', sandbox.depot],
      ['admin', 'sally'],
      ['pkg-id-prefix', 'org.us'],
      ['signing_identity', 'Us'],
    ] as const)
      expect((await admin(['config', target, value])).code, target).to.equal(0);
    expect(statSync(preferences()).mode & 0o777).to.equal(0o600);
    const shown = JSON.parse((await admin(['--config', 'display', '--json'], noDepot)).stdout).result;
    expect(shown.preferences).to.include({ depot: sandbox.depot, admin: 'sally', 'signing-identity': 'Us' });
    expect(shown.credentials.kept).to.equal('unset');
    expect((await admin(['config', 'signing-identity', 'none'])).code).to.equal(0);
    const folder = sandbox.folder('root', { 'opt/tool': 'x' });
    const workspace = sandbox.folder('workspace', {});
    const added = await admin(['add', 'tool', '-v', '1', '-s', folder, '-W', workspace, '--json'], noDepot);
    expect(added.code, added.stderr).to.equal(0);
    expect(JSON.parse(added.stdout).result.edition).to.deep.include({ addedBy: 'sally' });
    expect(JSON.parse(added.stdout).result.edition.applePackages[0].id).to.equal('org.us.tool');
    expect(JSON.parse(readFileSync(preferences(), 'utf8')).workspace).to.equal(workspace);
    const wrong = await admin(['config', 'nix', 'x']);
    expect([wrong.code, wrong.stderr.includes('pkg-id-prefix')]).to.deep.equal([2, true]);
    expect((await admin(['config'])).stderr, 'nobody can be asked').to.include('config depot VALUE');
    writeFileSync(preferences(), '{"schema": "d3/preferences@9"}');
    expect((await admin(['show'])).code).to.equal(30);
  });

  it('depot3:J04 depot3:BUG-42 keeps a secret where nobody else reads it; another account’s is replaced', async () => {
    const file = path.join(home, '.config', 'd3', 'credentials.json');
    const set = await admin(['config', 'credentials', 'sally'], {}, 'one-secret\n');
    expect(set.code, set.stderr).to.equal(0);
    expect(set.stdout + set.stderr).to.not.include('one-secret');
    // A desktop's keychain may answer here; a server has none, and the file has it.
    if (existsSync(file)) {
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      await admin(['config', 'credentials', 'fritz'], {}, 'two-secret\n');
      expect(readFileSync(file, 'utf8')).to.include('fritz').and.not.include('one-secret');
    }
    expect(readFileSync(preferences(), 'utf8')).to.not.include('secret');
    const ci = await admin(['config', 'display', '--json'], { D3_CREDENTIALS: 'ci:three' });
    expect(JSON.parse(ci.stdout).result.credentials).to.deep.equal({
      account: 'ci',
      kept: 'secret in the environment',
    });
    expect(ci.stdout).to.not.include('three');
    await admin(['config', 'credentials', 'none']);
    expect(existsSync(file)).to.equal(false);
  });

  it('depot3:J08 depot3:J21 a live edition is deleted only when that is said, and -a answers what would be asked', async () => {
    await sandbox.add('tool', '1', { live: true });
    const asked = await admin(['delete', 'tool-1-1'], sally);
    expect([asked.code, asked.stderr.includes('-a --live')]).to.deep.equal([2, true]);
    const answered = await admin(['delete', 'tool', '-a'], sally);
    expect([answered.code, answered.stderr.includes('--live')]).to.deep.equal([2, true]);
    const dry = await admin(['delete', 'tool', '--dry-run'], sally);
    expect(dry.stdout).to.include('machines stop getting it');
    const gone = await admin(['del', 'tool', '-a', '--live', '--archive', '--keep-file'], sally);
    expect(gone.code, gone.stderr).to.equal(0);
    expect(gone.stdout).to.include('kept: the file tool-1-1.pkg, for it is archived with its file');
    const back = await admin(['restore', 'tool-1-1'], sally);
    expect([back.code, back.stdout]).to.deep.equal([0, 'tool-1-1 is back as id 1: pilot.\n']);
  });

  it('depot3:J15 of two admins at once one makes an edition live, and the other is told who was faster', async () => {
    for (const version of ['1', '2', '3']) await sandbox.add('tool', version);
    const ends = await Promise.all(
      ['2', '3'].map((version) =>
        admin(['live', `tool-${version}-1`, '-a', '--rollback', '--admin', `admin${version}`]),
      ),
    );
    const show = await sandbox.admin((session) => session.depot.store.editions.list());
    expect(show.filter(({ status }) => status === 'live')).to.have.lengthOf(1);
    for (const { code, stderr } of ends)
      if (code !== 0) expect(stderr).to.match(/was not made live: somebody changed tool/);
    expect(ends.some(({ code }) => code === 0)).to.equal(true);
  });

  it('depot3:BUG-44 a bare -R and -F mean yes, and take no word that follows', async () => {
    const folder = sandbox.folder('root', { 'opt/tool': 'x' });
    const added = await admin(['add', '-R', '-F', 'tool', '-v', '1', '-s', folder, '--json'], sally);
    expect(JSON.parse(added.stdout).result.edition).to.include({ basename: 'tool', reboot: true, removeFirst: true });
  });

  it('depot3:J33 add and edit show with --dry-run what they would do, and do nothing', async () => {
    const folder = sandbox.folder('root', { 'opt/tool': 'x' });
    const dry = await admin(['a', 'tool', '-v', '1', '-s', folder, '--dry-run'], sally);
    expect(dry.code, dry.stderr).to.equal(0);
    expect(dry.stdout).to.include('tool-1-1 would be a pilot').and.include('File name: tool-1-1.pkg');
    await sandbox.add('tool', '1', { description: 'old' });
    const edit = await admin(['e', 'tool-1-1', '-d', 'new', '--dry-run'], sally);
    expect(edit.stdout).to.include('Description: old => new');
    const [edition] = await sandbox.admin((session) => session.depot.store.editions.list());
    expect(edition?.description).to.equal('old');
  });

  it('depot3:K11 the CI steps of the guide run as they stand, as uid 0 with a named admin', async () => {
    const guide = readFileSync(new URL('../../docs/guides/ci.md', import.meta.url), 'utf8');
    const steps = [...guide.matchAll(/<!-- ci-step -->\n```sh\n([\s\S]*?)```/g)].map(([, text]) => text as string);
    expect(steps).to.have.lengthOf(2);
    const bin = sandbox.folder('bin', {});
    const { d3Program, run } = await import('../cli/spawn.ts');
    const program = path.join(bin, 'd3admin');
    writeFileSync(program, `#!/bin/sh\nexec ${d3Program.map((word) => `'${word}'`).join(' ')} admin "$@"\n`, {
      mode: 0o755,
    });
    const work = sandbox.folder('checkout', { 'build/root/usr/local/bin/tool': 'built' });
    const download = await sandbox.package('downloaded', { 'opt/firefox': 'new' }, { version: '130.0' });
    // As in a container: root, and nothing of a person's.
    const variables = {
      D3_DEPOT: sandbox.depot,
      PATH: `${bin}:${process.env['PATH']}`,
      HOME: undefined,
      VERSION: '2.0',
      PKG: download,
      NAME: 'Firefox ESR',
    };
    const [shell, ...words] = process.getuid?.() === 0 ? ['sh'] : ['unshare', '--map-root-user', 'sh'];
    const step = (at: number, more: Record<string, string> = {}) =>
      run(shell, [...words, '-e', '-c', `[ "$(id -u)" = 0 ] || exit 99\n${steps[at]}`], {
        env: { ...variables, ...more },
        cwd: work,
      });
    const editions = async () =>
      (await sandbox.admin((session) => session.depot.store.editions.list())).map(
        ({ edition, addedBy }) => `${edition} ${addedBy}`,
      );
    for (const at of [0, 1, 1]) {
      const { code, stdout, stderr } = await step(at);
      expect(code, stdout + stderr).to.equal(0);
    }
    expect(await editions(), 'what is there is not added again').to.deep.equal([
      'tool-2.0-1 ci-build',
      'firefox-esr-2.0-1 autopkg',
    ]);
    const added = () => JSON.parse(readFileSync(path.join(work, 'added.json'), 'utf8'));
    expect(added().result.edition.edition).to.equal('firefox-esr-2.0-1');
    // Another build of the same version is another revision; what goes wrong ends the step with its code and says why.
    expect((await step(0)).code).to.equal(0);
    expect((await editions()).at(-1)).to.equal('tool-2.0-2 ci-build');
    const bad = path.join(work, 'bad.pkg');
    writeFileSync(bad, 'no package');
    expect((await step(1, { VERSION: '3.0', PKG: bad })).code).to.equal(33);
    expect(added()).to.deep.include({ result: null, exit: 33 });
    expect((await step(1, { VERSION: '3.0', D3_DEPOT: '/nonexistent' })).code, 'a depot that is not there').to.equal(
      34,
    );
    expect(await editions()).to.have.lengthOf(3);
  });
});

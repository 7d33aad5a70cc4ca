import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { AdminPort, ProgressEvent } from '@d3/sdk';
import { expect } from 'chai';
import { adminPortOf } from '../../../src/admin/plugin-port.ts';
import { kindsComeFrom } from '../../../src/lifecycle/declared-kinds.ts';
import { d3 } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import type { Clock } from '../src/connector/clock.ts';
import { type Connected, Connection } from '../src/connector/connection.ts';
import added from '../src/hooks/edition-added.ts';
import gate from '../src/hooks/edition-delete.ts';
import deleted from '../src/hooks/edition-deleted.ts';
import type { MirrorPorts } from '../src/mirror/by-itself.ts';
import { OWNED } from '../src/mirror/fields.ts';
import { pushEdition } from '../src/mirror/push.ts';
import { SECRET, StandIn } from './support/jamf-pro.ts';
import { PACKAGE } from './support/samples.ts';

describe('editions as packages of Jamf Pro', function () {
  this.timeout(180_000);
  let sandbox: Sandbox;
  let jamf: StandIn;
  let server: string;
  let secretFile: string;
  let now: number;
  const said: ProgressEvent[] = [];

  before(() => {
    const pjson = JSON.parse(readFileSync(path.join(import.meta.dirname, '../package.json'), 'utf8'));
    kindsComeFrom(() => [{ pjson }]);
  });
  after(() => kindsComeFrom(() => []));
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    jamf = new StandIn();
    now = Date.now();
    said.length = 0;
    server = await jamf.start();
    secretFile = path.join(sandbox.dir, 'secret');
    writeFileSync(secretFile, SECRET, { mode: 0o600 });
  });
  afterEach(async () => {
    await jamf.stop();
    sandbox.remove();
    expect(jamf.wrong).to.deep.equal([]);
  });

  const run = (...line: string[]) =>
    d3([...line, '--server', server, '--client-id', 'd3', '--secret-file', secretFile, '--json', '--no-input'], {
      cwd: sandbox.dir,
      env: { D3_DEPOT: sandbox.depot, USER: 'sally' },
    });
  async function ok(...line: string[]) {
    const { code, stdout, stderr } = await run(...line);
    expect(code, `${line.join(' ')}: ${stdout}${stderr}`).to.equal(0);
    return JSON.parse(stdout);
  }
  const clock: Clock = {
    now: () => now,
    wait: async (milliseconds) => {
      now += milliseconds;
    },
  };
  const connect = () =>
    new Connection({
      server,
      credentials: async () => ({ clientId: 'd3', clientSecret: SECRET }),
      clock,
      signal: new AbortController().signal,
    });
  const ui = (event: ProgressEvent) => {
    said.push(event);
  };
  const port = <Result>(work: (admin: AdminPort) => Promise<Result>) =>
    sandbox.admin(async (session) => work(adminPortOf(session, sandbox.dir)));
  /** As the hooks of a site that is configured. */
  const hooked = <Result>(work: (ports: MirrorPorts) => Promise<Result>, more: Record<string, string> = {}) =>
    port((admin) => {
      const all = {
        'jamf.server': server,
        'jamf.clientId': 'd3',
        'jamf.secretFile': secretFile,
        'jamf.mirror': 'auto',
      };
      const settings = { all: async () => ({ ...all, ...more }) };
      return work({ admin, settings, signal: new AbortController().signal, ui });
    });
  const only = () => {
    expect(jamf.packages).to.have.length(1);
    return jamf.packages[0] as Record<string, unknown>;
  };
  const calls = (since: number) => jamf.requests.slice(since).map(({ call }) => call);

  it('depot3:B01 depot3:B02 depot3:B03 depot3:B04 depot3:J12 an edition becomes a package, with its file, and nothing twice', async () => {
    await sandbox.admin((session) =>
      session.depot.store.documents('category').create('Tools', { schema: 'd3/category@1', description: '' }, 'sally'),
    );
    const { edition } = await sandbox.add('tool', '1', {
      category: 'Tools',
      description: 'What it is for.',
      oses: '>=14',
      reboot: 'y',
      packageName: 'The Tool',
    });
    const { result } = await ok('jamf', 'push', 'tool-1-1');
    expect(result).to.deep.equal([{ edition: 'tool-1-1', jamf: '1', fate: 'created', uploaded: true, warnings: [] }]);
    const [category] = jamf.rows('categories');
    expect(category?.['name']).to.equal('Tools');
    expect(only()).to.deep.include({
      packageName: 'The Tool',
      fileName: edition.file.name,
      categoryId: category?.id,
      notes: 'What it is for.',
      rebootRequired: true,
      cloudTransferStatus: 'READY',
      sha256: edition.file.sha256,
    });
    expect(only()['osRequirements']).to.match(/^14\.x, 15\.x, 26\.x, /);
    const before = jamf.requests.length;
    expect((await ok('jamf', 'push', '--all')).result[0].fate).to.equal('same');
    expect(calls(before).filter((call) => !call.startsWith('GET ') && !call.endsWith('/token'))).to.deep.equal([]);
  });

  it('depot3:B27 keeps every field that is not d3’s', async () => {
    const { edition } = await sandbox.add('tool', '1');
    const theirs = {
      priority: 3,
      fillUserTemplate: true,
      fillExistingUsers: true,
      osInstall: true,
      suppressUpdates: true,
      suppressFromDock: true,
      suppressEula: true,
      suppressRegistration: true,
      swu: true,
      selfHealNotify: true,
      selfHealingAction: 'install',
      serialNumber: 'serial',
      parentPackageId: '7',
      basePath: '/base',
      ignoreConflicts: true,
      installLanguage: 'de',
      osInstallerVersion: '14.2',
      info: 'for the window of it',
      manifest: '<plist/>',
      manifestFileName: 'm.plist',
      format: 'pkg',
    };
    const id = jamf.addPackage({
      ...theirs,
      packageName: 'called otherwise',
      fileName: edition.file.name,
      categoryId: '-1',
      rebootRequired: false,
      notes: 'by hand',
      sha256: edition.file.sha256,
      cloudTransferStatus: 'READY',
    });
    const { result } = await ok('jamf', 'push', 'tool-1-1');
    expect(result[0]).to.deep.include({ jamf: id, fate: 'linked', uploaded: false });
    expect(only()).to.deep.include({ ...theirs, packageName: 'tool-1-1' });
    expect(only()['notes']).to.match(/^--- .*\nby hand$/);
  });

  it('depot3:B27 finds every field of the schema again after a push that changes all of d3’s', async () => {
    await sandbox.add('tool', '1', { description: 'first' });
    await ok('jamf', 'push', 'tool-1-1');
    const { id } = only() as { id: string };
    const cut = JSON.parse(readFileSync(path.join(import.meta.dirname, '../schema/calls.json'), 'utf8'));
    const fields = Object.entries(
      cut.schemas.Package.properties as Record<string, { type: string; readOnly?: boolean }>,
    );
    const ours = new Set<string>([...OWNED, 'md5', 'sha256', 'sha3512', 'hashType', 'hashValue']);
    const theirs: Record<string, unknown> = {};
    for (const [field, { type, readOnly = false }] of fields) {
      if (readOnly || ours.has(field)) continue;
      const before = only()[field];
      theirs[field] =
        type === 'boolean' ? before !== true : type === 'integer' ? Number(before) + 3 : `${field} by hand`;
    }
    expect(Object.keys(theirs)).to.have.length(fields.length - ours.size - 4);
    jamf.set('packages', id, theirs);
    const file = only()['sha256'];
    await sandbox.admin(({ depot }) =>
      depot.store.documents('category').create('Tools', { schema: 'd3/category@1', description: '' }, 'sally'),
    );
    const typed = {
      packageName: 'New',
      filename: 'new.pkg',
      category: 'Tools',
      description: 'new',
      oses: '>=14',
      reboot: 'y',
    };
    await port((admin) => admin.edit('tool-1-1', typed));
    const { result } = await ok('jamf', 'push', 'tool-1-1');
    expect(result[0]).to.deep.include({ fate: 'changed', uploaded: false });
    expect(only()).to.deep.include({
      ...theirs,
      id,
      sha256: file,
      packageName: 'New',
      fileName: 'new.pkg',
      notes: 'new',
    });
    expect(only()).to.deep.include({ rebootRequired: true, cloudTransferStatus: 'READY' });
  });

  it('depot3:B02 keeps what people wrote into the notes themselves, whatever d3 writes above it', async () => {
    const { edition } = await sandbox.add('tool', '1', { description: 'What it is for.' });
    const theirs = 'Licence 17.\r\nAsk Ann.';
    const { sha256 } = edition.file;
    jamf.addPackage({ ...PACKAGE, fileName: edition.file.name, notes: theirs, sha256, cloudTransferStatus: 'READY' });
    const notes = () => String(only()['notes']).split('\n');
    await ok('jamf', 'push', 'tool-1-1');
    expect(notes()).to.deep.equal(['What it is for.', '', notes()[2], 'Licence 17.', 'Ask Ann.']);
    await port((admin) => admin.edit('tool-1-1', { description: 'Other\nwords.' }));
    await ok('jamf', 'push', 'tool-1-1');
    expect(notes()).to.deep.equal(['Other', 'words.', '', notes()[3], 'Licence 17.', 'Ask Ann.']);
    jamf.set('packages', only()['id'] as string, { notes: `${String(only()['notes'])}\nAnd Bob.` });
    expect((await ok('jamf', 'drift')).result).to.deep.equal([]);
    jamf.set('packages', only()['id'] as string, { notes: String(only()['notes']).replace('Other', 'Their') });
    expect((await ok('jamf', 'drift', '--adopt')).result[0].done).to.equal('adopted');
    const [adopted] = await port((admin) => admin.editions());
    expect(adopted?.description).to.equal('Their\nwords.');
    expect(notes().slice(-3)).to.deep.equal(['Licence 17.', 'Ask Ann.', 'And Bob.']);
  });

  for (const made of [['md5'], ['sha3512']] as const)
    it(`depot3:J12 sends a file once to a server that makes no hash but ${made}, and sees another there`, async () => {
      jamf.behaviours.hashes = made;
      await sandbox.add('tool', '1');
      await ok('jamf', 'push', '--all');
      const before = jamf.requests.length;
      expect((await ok('jamf', 'push', '--all')).result[0]).to.deep.include({ fate: 'same', uploaded: false });
      expect(calls(before)).not.to.include('POST /v1/packages/{id}/upload');
      expect((await ok('jamf', 'drift')).result).to.deep.equal([]);
      const [field] = made;
      const other = String(only()[field]).replaceAll(/./g, 'a');
      jamf.set('packages', only()['id'] as string, { [field]: other });
      const [one] = (await ok('jamf', 'drift')).result;
      expect(one.differences).to.deep.include.members([
        { field: 'file', here: one.differences[0].here, there: other, changed: 'there' },
      ]);
      expect((await ok('jamf', 'push', '--all')).result[0].uploaded).to.equal(true);
    });

  for (const [what, has] of [
    ['with a SHA-3 only', { sha3512: 'f'.repeat(128) }],
    ['with a SHA-512 only', { hashType: 'SHA_512', hashValue: 'f'.repeat(128) }],
    ['with an MD5 only', { md5: 'f'.repeat(32) }],
    ['of which nothing is said', { cloudTransferStatus: 'READY' }],
  ] as const)
    it(`never sends its file over one of the same name ${what}`, async () => {
      const { edition } = await sandbox.add('tool', '1');
      jamf.addPackage({ ...PACKAGE, fileName: edition.file.name, ...has });
      const before = only();
      const { code, stdout } = await run('jamf', 'push', 'tool-1-1');
      expect(code, stdout).to.equal(30);
      expect(only()).to.deep.equal(before);
      expect(await port((admin) => admin.documents('jamf-link').list())).to.deep.equal([]);
    });

  for (const [when, call, kind] of [
    ['before its package is answered for', 'POST /v1/packages', 'cut-after'],
    ['while its file is on its way', 'POST /v1/packages/{id}/upload', 'cut-during'],
    ['when its file is there and nobody knows', 'POST /v1/packages/{id}/upload', 'cut-after'],
  ] as const)
    it(`is killed (kill -9) ${when}; the next push ends with one package, one file, one link`, async () => {
      await sandbox.add('tool', '1');
      jamf.behaviours.pendingReads = 1;
      let child: ChildProcess | null = null;
      jamf.chaos = (one) => {
        if (one !== call || child === null || child.killed) return undefined;
        child.kill('SIGKILL');
        return { kind };
      };
      const killed = await d3(
        ['jamf', 'push', '--all', '--server', server, '--client-id', 'd3', '--secret-file', secretFile, '--json'],
        { cwd: sandbox.dir, env: { D3_DEPOT: sandbox.depot, USER: 'sally' }, running: (one) => (child = one) },
      );
      expect(killed.signal).to.equal('SIGKILL');
      // That the killed one hung up is no fault of the server's answers.
      for (const said of jamf.wrong.splice(0)) expect(said).to.match(/^aborted /);
      jamf.chaos = () => undefined;
      const { result } = await ok('jamf', 'push', '--all');
      expect(only()).to.deep.include({ id: result[0].jamf, cloudTransferStatus: 'READY' });
      const links = await port((admin) => admin.documents('jamf-link').list());
      expect(links.map(({ name }) => name)).to.deep.equal([`package-${result[0].jamf}`]);
      expect((await ok('jamf', 'drift')).result).to.deep.equal([]);
    });

  it('depot3:BUG-33 a file that is renamed in d3 is renamed in Jamf Pro, and sent again when it is not there whole', async () => {
    await sandbox.add('tool', '1');
    await ok('jamf', 'push', 'tool-1-1');
    await sandbox.admin(async (session) =>
      adminPortOf(session, sandbox.dir).edit('tool-1-1', { filename: 'renamed.pkg' }),
    );
    expect((await ok('jamf', 'push', 'tool-1-1')).result[0].fate).to.equal('changed');
    expect(only()).to.deep.include({ fileName: 'renamed.pkg' });
  });

  it('refuses another file of the same name, and says the ways out', async () => {
    const { edition } = await sandbox.add('tool', '1');
    jamf.addPackage({ ...PACKAGE, fileName: edition.file.name, sha256: 'f'.repeat(64) });
    const { code, stdout } = await run('jamf', 'push', 'tool-1-1');
    expect(code).to.equal(30);
    expect(stdout).to.contain('--filename').and.to.contain('package 1');
    expect(only()['sha256']).to.equal('f'.repeat(64));
  });

  it('is cut at every call and every write, with nodes that lag, and ends with one package, whole, once', async () => {
    await sandbox.add('tool', '1', { description: 'd' });
    // Where each cut comes: after so many steps, each a call to Jamf or a write of a link.
    for (let cut = 1, done = false; !done; cut += 1) {
      for (const { id } of jamf.packages) jamf.remove('packages', id);
      await sandbox.admin(async ({ depot, admin }) => {
        const links = depot.store.documents('jamf-link');
        for (const { id, generation } of await links.list()) await links.remove(id, generation, admin);
      });
      jamf.behaviours.lag = 60_000;
      jamf.behaviours.pendingReads = 2;
      jamf.now = () => now;
      const crash = new Error('cut');
      let left = cut;
      const step = () => {
        left -= 1;
        if (left === 0) throw crash;
      };
      const cutting = (admin: AdminPort): AdminPort => ({
        ...admin,
        documents(kind) {
          const documents = admin.documents(kind);
          const before = <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) => {
            return async (...args: Args) => {
              step();
              const result = await work(...args);
              step();
              return result;
            };
          };
          return {
            ...documents,
            create: before(documents.create.bind(documents)),
            update: before(documents.update.bind(documents)),
          };
        },
      });
      const attempt = async (isCut: boolean) =>
        port(async (whole) => {
          const connection = connect();
          const admin = isCut ? cutting(whole) : whole;
          if (isCut) {
            const call = connection.call.bind(connection);
            const sequence = connection.sequence.bind(connection);
            const counted: Connection['call'] = async (...given) => {
              step();
              const answer = await call(...given);
              step();
              return answer;
            };
            connection.call = counted;
            connection.sequence = (work) =>
              sequence((pinned) => {
                const view: Connected = {
                  ...pinned,
                  call: async (...given) => {
                    step();
                    const answer = await pinned.call(...given);
                    step();
                    return answer;
                  },
                  sequence: async (inner) => inner(view),
                };
                return work(view);
              });
          }
          const [edition] = await admin.editions();
          try {
            return await pushEdition(edition as never, { connection, admin, ui }, true);
          } finally {
            await connection.close();
          }
        });
      const first = await attempt(true).then(
        () => 'whole',
        (error: unknown) => error,
      );
      done = first === 'whole';
      if (!done) expect(first).to.equal(crash);
      const second = await attempt(false);
      expect(second.fate, `cut ${cut}`).to.be.oneOf(['created', 'linked', 'changed', 'same']);
      expect(only(), `cut ${cut}`).to.deep.include({
        packageName: 'tool-1-1',
        notes: 'd',
        cloudTransferStatus: 'READY',
      });
      const links = await port((admin) => admin.documents('jamf-link').list());
      expect(
        links.map(({ name }) => name),
        `cut ${cut}`,
      ).to.deep.equal([`package-${String(only()['id'])}`]);
      if (done) expect(cut).to.be.greaterThan(15);
      now += 120_000;
    }
  });

  it('two at once make one package: the later hears that somebody is at it, or finds it done', async () => {
    await sandbox.add('tool', '1');
    const both = await Promise.all([run('jamf', 'push', 'tool-1-1'), run('jamf', 'push', 'tool-1-1')]);
    expect(both.map(({ code }) => code).filter((code) => code === 0)).to.have.length.greaterThan(0);
    for (const { code } of both) expect(code).to.be.oneOf([0, 41]);
    only();
    await ok('jamf', 'push', 'tool-1-1');
    only();
  });

  it('is skipped where it is for Linux, and what Jamf Pro has no word for is a warning', async () => {
    await sandbox.add('tool', '1', { oses: 'debian 12' });
    const { result, warnings } = await ok('jamf', 'push', '--all');
    expect(result[0].fate).to.equal('created');
    expect(warnings.join()).to.contain('debian 12');
    expect(only()['osRequirements']).to.equal('');
    const { code } = await run('jamf', 'push', 'nothing-1-1', 'more-2-2');
    expect(code).to.equal(34);
    expect((await run('jamf', 'push')).code).to.equal(2);
  });

  describe('drift', () => {
    const drift = async (...more: string[]) => (await ok('jamf', 'drift', ...more)).result;

    it('says field by field who changed what since both were the same', async () => {
      await sandbox.add('tool', '1', { description: 'd', oses: '>=14' });
      await ok('jamf', 'push', '--all');
      expect(await drift()).to.deep.equal([]);
      const { id } = only() as { id: string };
      jamf.set('packages', id, { rebootRequired: true, osRequirements: '13.x, 14.x', notes: 'theirs' });
      await sandbox.admin(async (session) =>
        adminPortOf(session, sandbox.dir).edit('tool-1-1', { description: 'ours', packageName: 'New' }),
      );
      const [one] = await drift();
      expect(one.state).to.equal('differs');
      expect(
        Object.fromEntries(one.differences.map(({ field, changed }: Record<string, string>) => [field, changed])),
      ).to.deep.equal({
        packageName: 'here',
        notes: 'both',
        osRequirements: 'there',
        rebootRequired: 'there',
      });
      const { result } = await ok('jamf', 'drift', 'tool-1-1', '--adopt');
      expect(result[0].done).to.equal('adopted');
      const [edition] = await port((admin) => admin.editions());
      expect(edition).to.deep.include({
        reboot: true,
        oses: ['13.x', '14.x'],
        description: 'theirs',
        packageName: 'New',
      });
      expect((await drift())[0].differences.map(({ field }: Record<string, string>) => field)).to.deep.equal([
        'packageName',
      ]);
      expect((await ok('jamf', 'drift', '--push')).result[0].done).to.equal('pushed');
      expect(only()).to.deep.include({ packageName: 'New', notes: 'theirs' });
      expect(await drift()).to.deep.equal([]);
    });

    it('says what was deleted in Jamf Pro is missing, makes it anew only when that is asked, and lists what d3 has not', async () => {
      await sandbox.add('tool', '1');
      await sandbox.add('new', '1');
      await ok('jamf', 'push', 'tool-1-1');
      jamf.remove('packages', only()['id'] as string);
      jamf.addPackage({ ...PACKAGE, packageName: 'Theirs', fileName: 'theirs.pkg' });
      const states = (await drift()).map(({ edition, packageName, state }: Record<string, string>) => [
        edition ?? packageName,
        state,
      ]);
      expect(states).to.have.deep.members([
        ['tool-1-1', 'missing'],
        ['new-1-1', 'unsent'],
        ['Theirs', 'stranger'],
      ]);
      expect(
        (await ok('jamf', 'push', '--all')).result.find(({ edition }: { edition: string }) => edition === 'tool-1-1')
          .fate,
      ).to.equal('gone');
      expect((await ok('jamf', 'push', 'tool-1-1')).result[0].fate).to.equal('created');
    });

    it('sees another file, sends d3’s with --push, and never adopts one', async () => {
      await sandbox.add('tool', '1');
      await ok('jamf', 'push', '--all');
      jamf.set('packages', only()['id'] as string, { sha256: 'e'.repeat(64) });
      const { result, warnings } = await ok('jamf', 'drift', '--adopt');
      expect(result[0].done).to.equal(null);
      expect(warnings.join()).to.contain('d3 jamf import');
      await ok('jamf', 'drift', '--push');
      expect(await drift()).to.deep.equal([]);
    });
  });

  describe('by themselves', () => {
    const payload = (id: number, edition: string, more = {}) => ({
      id,
      edition,
      basename: 'tool',
      version: '1',
      revision: 1,
      by: 'sally',
      ...more,
    });

    it('go there when they are added; what fails there undoes nothing here', async () => {
      const { edition } = await sandbox.add('tool', '1');
      jamf.behaviours.privileges = ['Read Packages'];
      await hooked(async (ports) => added(payload(edition.id, edition.edition), ports as never));
      expect(said.find(({ type }) => type === 'warning')).to.deep.include({ target: 'tool-1-1' });
      expect(JSON.stringify(said)).to.contain('d3 jamf push tool-1-1');
      jamf.behaviours.privileges = null;
      await hooked(async (ports) => added(payload(edition.id, edition.edition), ports as never), {
        'jamf.mirror': 'manual',
      });
      expect(jamf.packages).to.deep.equal([]);
      await hooked(async (ports) => added(payload(edition.id, edition.edition), ports as never));
      only();
    });

    it('depot3:J20 are not deleted there while a policy installs them, and go with the edition otherwise', async () => {
      const { edition } = await sandbox.add('tool', '1');
      await ok('jamf', 'push', '--all');
      const jamfId = only()['id'] as string;
      jamf.addPolicy({
        general: { name: 'Install the tool' },
        package_configuration: { packages: [{ id: Number(jamfId), name: 'tool', action: 'Install' }] },
      });
      const ask = (more = {}) =>
        hooked(async (ports) => gate(payload(edition.id, edition.edition, more), ports as never));
      expect(await ask()).to.deep.include({ kind: 'refuse', cause: 'rule' });
      expect(JSON.stringify(await ask())).to.contain('Install the tool');
      expect(await ask({ keepInJss: true })).to.deep.include({ kind: 'proceed' });
      jamf.behaviours.privileges = [];
      expect(JSON.stringify(await ask())).to.contain('not known');
      jamf.behaviours.privileges = null;
      jamf.policies = [];
      expect(await ask()).to.deep.include({ kind: 'proceed' });
      await hooked(async (ports) => deleted(payload(edition.id, edition.edition), ports as never));
      expect(jamf.packages).to.deep.equal([]);
      expect(await port((admin) => admin.documents('jamf-link').list())).to.deep.equal([]);
    });

    it('stay there with --keep-in-jss, and are d3’s no more', async () => {
      const { edition } = await sandbox.add('tool', '1');
      await ok('jamf', 'push', '--all');
      await hooked(async (ports) => deleted(payload(edition.id, edition.edition, { keepInJss: true }), ports as never));
      only();
      expect(await port((admin) => admin.documents('jamf-link').list())).to.deep.equal([]);
    });

    it('stay there with --keep-in-jss where nothing goes there by itself too: no drift deletes them', async () => {
      const { edition } = await sandbox.add('tool', '1');
      await ok('jamf', 'push', '--all');
      await hooked(
        async (ports) => deleted(payload(edition.id, edition.edition, { keepInJss: true }), ports as never),
        { 'jamf.mirror': 'manual' },
      );
      await sandbox.admin(({ depot }) => depot.store.editions.delete(edition.id, 'sally', { archive: false }));
      const { result } = await ok('jamf', 'drift', '--push');
      expect(result.map(({ state, done }: { state: string; done: unknown }) => [state, done])).to.deep.equal([
        ['stranger', null],
      ]);
      only();
    });

    it('a package whose edition is gone is seen, and deleted when that is asked and nothing installs it', async () => {
      const { edition } = await sandbox.add('tool', '1');
      await ok('jamf', 'push', '--all');
      await sandbox.admin(({ depot }) => depot.store.editions.delete(edition.id, 'sally', { archive: false }));
      const { result } = await ok('jamf', 'drift');
      expect(result[0]).to.deep.include({ state: 'orphaned', packageName: 'tool-1-1' });
      const id = jamf.addPolicy({
        general: { name: 'P' },
        package_configuration: { packages: [{ id: Number(only()['id']), name: 'tool', action: 'Install' }] },
      });
      expect((await run('jamf', 'drift', '--push')).code).to.equal(30);
      jamf.policies = jamf.policies.filter((one) => one.id !== id);
      expect((await ok('jamf', 'drift', '--push')).result[0].done).to.equal('deleted');
      expect(jamf.packages).to.deep.equal([]);
    });
  });

  it('goes by a person’s own name and password as well, and gives the login back', async () => {
    await sandbox.add('tool', '1');
    const { code, stdout } = await d3(['jamf', 'push', '--all', '--server', server, '--user', 'tech', '--json'], {
      cwd: sandbox.dir,
      env: { D3_DEPOT: sandbox.depot, USER: 'sally' },
      input: `${SECRET}\n`,
    });
    expect(code, stdout).to.equal(0);
    expect(only()).to.deep.include({ packageName: 'tool-1-1' });
    expect([...jamf.tokens.values()].filter(({ user }) => user)).to.deep.equal([]);
  });

  it('a wrong secret, or none, is said before anything is done', async () => {
    await sandbox.add('tool', '1');
    const { code, stdout } = await d3(['jamf', 'push', '--all', '--json'], {
      cwd: sandbox.dir,
      env: { D3_DEPOT: sandbox.depot, USER: 'sally' },
    });
    expect(code).to.equal(2);
    expect(stdout).to.contain('--server').and.to.contain('jamf.secretFile');
  });
});

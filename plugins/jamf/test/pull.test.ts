import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type AdminPort, type Json, silentReporter } from '@d3/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import { adminPortOf } from '../../../src/admin/plugin-port.ts';
import { kindsComeFrom } from '../../../src/lifecycle/declared-kinds.ts';
import { d3 } from '../../../test/cli/spawn.ts';
import { Sandbox, type SandboxMachine } from '../../../test/support/sandbox.ts';
import { Connection } from '../src/connector/connection.ts';
import { merged } from '../src/pull/computers.ts';
import { pull } from '../src/pull/pull.ts';
import { SECRET, StandIn } from './support/jamf-pro.ts';

const EA = {
  dataType: 'STRING',
  enabled: true,
  inputType: 'TEXT',
  inventoryDisplayType: 'EXTENSION_ATTRIBUTES',
  description: '',
};

describe('Jamf Pro pulled into a depot', function () {
  this.timeout(240_000);
  let sandbox: Sandbox;
  let jamf: StandIn;
  let server: string;
  let secretFile: string;
  let now: number;

  before(() => {
    const pjson = JSON.parse(readFileSync(path.join(import.meta.dirname, '../package.json'), 'utf8'));
    kindsComeFrom(() => [{ pjson }]);
  });
  after(() => kindsComeFrom(() => []));
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    jamf = new StandIn();
    now = Date.now();
    jamf.now = () => now;
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
    d3(
      [
        'jamf',
        'pull',
        ...line,
        '--server',
        server,
        '--client-id',
        'd3',
        '--secret-file',
        secretFile,
        '--json',
        '--no-input',
      ],
      {
        cwd: sandbox.dir,
        env: { D3_DEPOT: sandbox.depot, USER: 'sally' },
      },
    );
  async function pulled(...line: string[]) {
    const { code, stdout, stderr } = await run(...line);
    expect(code, `${stdout}${stderr}`).to.equal(0);
    const { result, warnings } = JSON.parse(stdout);
    return { ...result, warnings: warnings as string[] };
  }
  const port = <Result>(work: (admin: AdminPort) => Promise<Result>) =>
    sandbox.admin(async (session) => work(adminPortOf(session, sandbox.dir)));
  const documents = (kind: string) => port((admin) => admin.documents(kind).list());
  const names = async (kind: string) => (await documents(kind)).map(({ name }) => name);
  const of = (result: { kinds: { kind: string }[] }, kind: string) =>
    result.kinds.find((one) => one.kind === kind) as Record<string, unknown>;

  /** The same in this process, with a clock that stands, settings and a depot that may be cut. */
  async function here({
    admin,
    settings = {},
    full = false,
  }: {
    admin?: (whole: AdminPort) => AdminPort;
    settings?: Record<string, Json>;
    full?: boolean;
  } = {}) {
    const signal = new AbortController().signal;
    const clock = { now: () => now, wait: async (ms: number) => void (now += ms) };
    const connection = new Connection({
      server,
      credentials: async () => ({ clientId: 'd3', clientSecret: SECRET }),
      clock,
      signal,
    });
    try {
      return await port((whole) =>
        pull({
          connection,
          admin: admin?.(whole) ?? whole,
          settings: { 'jamf.fullPullHours': 24, ...settings },
          ui: silentReporter,
          signal,
          dryRun: false,
          full,
        }),
      );
    } finally {
      await connection.close();
    }
  }

  /** A machine that has reported, and the same as Jamf knows it. */
  async function computer(
    name: string,
    more: Record<string, unknown> = {},
  ): Promise<{ machine: SandboxMachine; id: string; jamfId: string }> {
    const serial = `SER-${name.toUpperCase()}`;
    const machine = sandbox.machine(name, { serial });
    await machine.sync();
    const computers = await port((admin) => admin.computers());
    const id = computers.find(({ claims }) => claims.serial === serial)?.id as string;
    const jamfId = jamf.addComputer({
      general: { name, reportDate: new Date(now).toISOString() },
      hardware: { serialNumber: serial.toLowerCase() },
      ...more,
    });
    return { machine, id, jamfId };
  }

  it('makes documents of records, groups of those in them, and says of computers what Jamf says', async () => {
    jamf.add('categories', { name: 'Tools', priority: 9 });
    const department = jamf.add('departments', { name: 'Art' });
    const building = jamf.add('buildings', { name: 'North' });
    jamf.add('sites', { name: 'Home' });
    jamf.add('scripts', { name: 'greet', scriptContents: '#!/bin/sh\necho hi\n', info: 'Says hello.' });
    const room = jamf.add('attributes', { ...EA, name: 'Room' });
    jamf.add('attributes', { ...EA, name: 'Build', inputType: 'POPUP', popupMenuChoices: ['studio', 'office'] });
    const { id, jamfId } = await computer('mac-a', {
      userAndLocation: { departmentId: department, buildingId: building },
      extensionAttributes: [{ definitionId: room, name: 'Room', values: ['7'] }],
    });
    jamf.addComputer({ general: { name: 'stranger' }, hardware: { serialNumber: 'SER-X' } });
    jamf.addGroup({ name: 'lab', members: [jamfId, '2'] });
    jamf.addGroup({ name: 'smart', matches: (one) => one.id === jamfId });
    const dry = await pulled('--dry-run');
    expect(of(dry, 'category')['created']).to.deep.equal(['Tools']);
    expect(await names('category')).to.deep.equal([]);
    expect(await names('jamf-link')).to.deep.equal([]);

    const result = await pulled();
    expect(result.full).to.equal(true);
    for (const [kind, name] of [
      ['category', 'Tools'],
      ['department', 'Art'],
      ['building', 'North'],
      ['site', 'Home'],
      ['script', 'greet'],
    ] as const)
      expect(await names(kind), kind).to.deep.equal([name]);
    const [eaRoom, eaBuild] = await documents('ea');
    expect(eaBuild?.body).to.deep.include({ type: 'choice', choices: ['studio', 'office'] });
    const [script] = await documents('script');
    expect((await port((admin) => admin.read(script?.body['sha256'] as string))).toString()).to.equal(
      '#!/bin/sh\necho hi\n',
    );
    const [record] = await documents('computer');
    const [art] = await documents('department');
    expect(record?.name).to.equal(id);
    expect(record?.body).to.deep.include({ department: art?.id, attributes: { [String(eaRoom?.id)]: '7' } });
    for (const group of await documents('group')) expect(group.body['members'], group.name).to.deep.equal([id]);
    expect(result.computers).to.deep.include({ read: 2, linked: 1, changed: 1 });
    expect(result.computers.unknown).to.deep.equal([{ jamf: '2', name: 'stranger', serial: 'SER-X' }]);
  });

  it('a second pull without changes writes nothing, publishes nothing, and asks for new inventories only', async () => {
    jamf.add('categories', { name: 'Tools', priority: 9 });
    const { jamfId } = await computer('mac-a');
    jamf.addGroup({ name: 'lab', members: [jamfId] });
    await pulled();
    const history = async () => sandbox.admin(async ({ depot }) => (await depot.store.history.list()).length);
    const [events, generation] = [
      await history(),
      await sandbox.admin(({ depot }) => depot.store.publication.generation()),
    ];
    now += 3_600_000;
    const before = jamf.requests.length;
    const result = await here();
    expect(result).to.deep.include({ full: false });
    // The newest inventory there was is read once more: another may have come at the same moment.
    expect(result.computers).to.deep.include({ read: 1, changed: 0, linked: 1 });
    expect(await history()).to.equal(events);
    expect(await sandbox.admin(({ depot }) => depot.store.publication.generation())).to.equal(generation);
    const calls = jamf.requests.slice(before).map(({ call }) => call);
    expect(calls.filter((call) => call.includes('computers-inventory'))).to.have.length(1);
    now += 24 * 3_600_000;
    expect((await here()).full).to.equal(true);
  });

  it('keeps ids: renames are followed, what is gone stays and is said, what was changed here stays', async () => {
    const category = jamf.add('categories', { name: 'Tools', priority: 9 });
    const script = jamf.add('scripts', { name: 'greet', scriptContents: 'echo hi' });
    const { jamfId } = await computer('mac-a');
    const group = jamf.addGroup({ name: 'lab', members: [jamfId] });
    await pulled();
    const id = (await documents('category'))[0]?.id;
    jamf.set('categories', category, { name: 'Utilities' });
    await sandbox.admin(async (session) => {
      const port = adminPortOf(session, sandbox.dir);
      const [one] = await port.documents('script').list();
      const put = await port.put(Buffer.from('echo mine'));
      await port
        .documents('script')
        .update(one?.id as number, one?.generation as number, { body: { ...one?.body, ...put } as never });
    });
    jamf.set('scripts', script, { scriptContents: 'echo theirs' });
    jamf.groups.remove(group.id);
    const result = await pulled();
    expect(of(result, 'category')['renamed']).to.deep.equal([{ from: 'Tools', to: 'Utilities' }]);
    expect((await documents('category')).map((one) => [one.id, one.name])).to.deep.equal([[id, 'Utilities']]);
    expect(JSON.stringify(of(result, 'script')['conflicts'])).to.contain('greet');
    const [mine] = await documents('script');
    expect((await port((admin) => admin.read(mine?.body['sha256'] as string))).toString()).to.equal('echo mine');
    expect(of(result, 'group')['gone']).to.deep.equal(['lab']);
    expect(result.warnings.join()).to.contain('the group lab is gone');
    expect(await names('group')).to.deep.equal(['lab']);
    expect((await pulled()).warnings.join())
      .to.contain('greet')
      .and.not.to.contain('lab');
  });

  it('takes what is here under the same name for the same where it is, and says where it is not', async () => {
    await sandbox.admin(async (session) => {
      const port = adminPortOf(session, sandbox.dir);
      await port.documents('category').create('tools', { schema: 'd3/category@1', description: 'in my words' });
      await port
        .documents('group')
        .create('lab', { schema: 'd3/group@1', kind: 'static', description: 'mine', members: [] });
    });
    jamf.add('categories', { name: 'Tools', priority: 9 });
    jamf.add('categories', { name: 'a, b', priority: 9 });
    jamf.add('categories', { name: '12', priority: 9 });
    jamf.addGroup({ name: 'lab', members: [] });
    const result = await pulled();
    expect(of(result, 'category')['adopted']).to.deep.equal(['tools']);
    expect((of(result, 'category')['conflicts'] as { name: string }[]).map(({ name }) => name)).to.deep.equal([
      'a, b',
      '12',
    ]);
    expect(of(result, 'group')['conflicts']).to.have.length(1);
    expect((await documents('category')).map(({ name, body }) => [name, body['description']])).to.deep.equal([
      ['tools', 'in my words'],
    ]);
    expect((await documents('group'))[0]?.body['description']).to.equal('mine');
    expect(of(await pulled(), 'category')['changed']).to.deep.equal([]);
    expect((await documents('category'))[0]?.body['description']).to.equal('in my words');
  });

  it('links a computer when it has reported, without reading all; two that say the same are not guessed at', async () => {
    jamf.addComputer({
      general: { name: 'mac-a', reportDate: new Date(now - 86_400_000).toISOString() },
      hardware: { serialNumber: 'SER-MAC-A' },
    });
    expect((await pulled()).computers.unknown).to.have.length(1);
    await sandbox.machine('mac-a', { serial: 'SER-MAC-A' }).sync();
    const second = await here();
    expect(second.full).to.equal(false);
    expect(second.computers).to.deep.include({ linked: 1 });
    expect(second.computers.unknown).to.deep.equal([]);
    await sandbox.machine('mac-b', { serial: 'SER-MAC-A' }).sync();
    const third = await here({ full: true });
    expect(third.computers.conflicts[0]?.why).to.contain('may be any of');
  });

  it('is cut at every write and ends as if it was not', async () => {
    jamf.add('categories', { name: 'Tools', priority: 9 });
    jamf.add('scripts', { name: 'greet', scriptContents: 'echo hi' });
    const { jamfId } = await computer('mac-a', { userAndLocation: {} });
    jamf.addGroup({ name: 'lab', members: [jamfId] });
    const crash = new Error('cut');
    for (let cut = 1, done = false; !done; cut += 1) {
      await sandbox.admin(async ({ depot, admin }) => {
        for (const kind of ['jamf-link', 'category', 'script', 'group', 'computer']) {
          const all = depot.store.documents(kind);
          for (const { id, generation } of await all.list()) await all.remove(id, generation, admin);
        }
      });
      let left = cut;
      const step = () => {
        left -= 1;
        if (left === 0) throw crash;
      };
      const cutting = (admin: AdminPort): AdminPort => ({
        ...admin,
        documents(kind) {
          const all = admin.documents(kind);
          return {
            ...all,
            async create(...given) {
              step();
              const made = await all.create(...given);
              step();
              return made;
            },
            async update(...given) {
              step();
              const made = await all.update(...given);
              step();
              return made;
            },
          };
        },
      });
      const first = await here({ admin: cutting, full: true }).then(
        () => 'whole',
        (error: unknown) => error,
      );
      done = first === 'whole';
      if (!done) expect(first).to.equal(crash);
      const second = await here({ full: true });
      expect(
        second.kinds.flatMap(({ conflicts }) => conflicts),
        `cut ${cut}`,
      ).to.deep.equal([]);
      for (const [kind, name] of [
        ['category', 'Tools'],
        ['script', 'greet'],
        ['group', 'lab'],
      ] as const)
        expect(await names(kind), `cut ${cut}`).to.deep.equal([name]);
      expect(await names('computer')).to.have.length(1);
      const links = await names('jamf-link');
      expect(links, `cut ${cut}`).to.have.members(['server', 'category-1', 'script-1', 'group-1', 'computer-1']);
      if (done) expect(cut).to.be.greaterThan(8);
    }
  });

  it('is done by one at a time', async () => {
    jamf.behaviours.slow = 300;
    const both = await Promise.all([run(), run()]);
    expect(both.map(({ code }) => code).sort()).to.deep.equal([0, 41]);
  });

  it('where the depot is elsewhere is refused, and says where to do it', async () => {
    const { code, stdout } = await d3(['jamf', 'pull', '--server', server, '--json'], {
      cwd: sandbox.dir,
      env: { D3_DEPOT: sandbox.depot, USER: 'sally' },
    });
    expect(code).to.equal(2);
    expect(stdout).to.contain('--client-id');
  });

  describe('what machines left in extension attributes', () => {
    const settings = {
      'jamf.reportAttribute': 'd3 report',
      'jamf.receiptsAttribute': 'd3 receipts',
      'jamf.queueAttribute': 'd3 queue',
    };
    let ids: string[];
    beforeEach(() => {
      ids = ['d3 report', 'd3 receipts', 'd3 queue'].map((name) =>
        jamf.add('attributes', { ...EA, name, inputType: 'SCRIPT', scriptContents: '#!/bin/sh' }),
      );
    });

    /** A machine that reported to nobody: what it says is in its inventory. */
    async function silent(name: string, values: (machine: SandboxMachine) => Promise<[string, string][]>) {
      const serial = `SER-${name.toUpperCase()}`;
      const machine = sandbox.machine(name, { serial });
      await machine.sync();
      const said = await values(machine);
      jamf.addComputer({
        general: { name, reportDate: new Date(now).toISOString() },
        hardware: { serialNumber: serial, processorArchitecture: 'arm64' },
        operatingSystem: { version: '15.6' },
        extensionAttributes: said.map(([id, value]) => ({ definitionId: id, name: 'x', values: [value] })),
      });
      return machine;
    }
    const ea = async (machine: SandboxMachine, what: string) => {
      const { stdout } = await d3(['ea', what], {
        cwd: sandbox.dir,
        env: { D3_ROOT: machine.root, D3_DEPOT: sandbox.depot },
      });
      return (/<result>(.*)<\/result>/s.exec(stdout)?.[1] ?? '')
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&quot;', '"')
        .replaceAll('&amp;', '&');
    };
    const report = async (...line: string[]) => {
      const { code, stdout } = await d3(['admin', 'report', ...line, '--json'], {
        cwd: sandbox.dir,
        env: { D3_DEPOT: sandbox.depot, USER: 'sally' },
      });
      expect(code, stdout).to.equal(0);
      return JSON.stringify(JSON.parse(stdout).result);
    };
    const forget = async () => {
      // As if these machines had no way to the depot but by their inventory.
      const computers = await port((admin) => admin.computers());
      await sandbox.admin(async ({ depot, admin }) => {
        for (const { id } of computers) await depot.store.computers.remove(id, admin);
      });
    };

    it('depot3:J27 depot3:J28 depot3:J29 depot3:J30 depot3:BUG-38 depot3:BUG-39 counts as its report: by basename, by computer, pilots, frozen, queues', async () => {
      await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
      await sandbox.add('tool', '2', {});
      await sandbox.add('boot', '1', { live: true, reboot: 'y' });
      const whole = await silent('mac-a', async (machine) => [[ids[0] as string, await ea(machine, 'report')]]);
      const parts = await silent('mac-b', async (machine) => {
        await machine.install(['boot']);
        return [
          [ids[1] as string, await ea(machine, 'receipts')],
          [ids[2] as string, await ea(machine, 'queue')],
        ];
      });
      expect(whole.receipts()).to.have.length(1);
      expect(parts.receipts()).to.have.length(1);
      await forget();
      const result = await here({ settings });
      expect(result.reports).to.deep.equal({ taken: 2, known: 0, aside: [] });
      expect(result.computers.linked).to.equal(2);
      expect(await report('tool'))
        .to.contain('mac-a')
        .and.to.contain('mac-b');
      expect(await report('--computers', 'mac-b')).to.contain('tool-1-1');
      expect(await report('all', '-q'))
        .to.contain('boot-1-1')
        .and.to.contain('mac-b')
        .and.not.to.contain('mac-a');
      const again = await here({ settings, full: true });
      expect(again.reports).to.deep.equal({ taken: 0, known: 0, aside: [] });
    });

    it('is put aside with its reason where it is no report of that machine, and stops nothing', async () => {
      const good = await silent('good', async (machine) => [[ids[0] as string, await ea(machine, 'report')]]);
      const stolen = await ea(good, 'report');
      const bad: [string, [string, string][]][] = [
        ['cut', [[ids[0] as string, stolen.slice(0, 200)]]],
        ['other', [[ids[0] as string, stolen]]],
        ['error', [[ids[0] as string, 'ERROR: no state']]],
        ['list', [[ids[0] as string, '[1]']]],
        ['ancestor', [[ids[1] as string, '{"tool":{"version":"1","revision":1}}']]],
        ['newer', [[ids[1] as string, '{"_schema":"d3/ea-receipts@9","_computer":null}']]],
        ['nobody', [[ids[1] as string, '{"_schema":"d3/ea-receipts@1","_computer":"../../etc"}']]],
        ['deep', [[ids[0] as string, `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`]]],
      ];
      for (const [name, values] of bad) await silent(name, async () => values);
      await forget();
      const { reports } = await here({ settings });
      expect(reports.taken).to.equal(1);
      expect(reports.aside.map(({ computer }) => computer)).to.have.members(bad.map(([name]) => name));
      expect(JSON.stringify(reports.aside))
        .to.contain('another machine')
        .and.to.contain('no JSON')
        .and.to.contain('ancestor');
    });
  });

  it('asks Jamf Pro nothing when a machine syncs', async () => {
    const { machine } = await computer('mac-a');
    await pulled();
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    const before = jamf.requests.length;
    const env = { D3_ROOT: machine.root, D3_DEPOT: sandbox.depot, USER: 'sally' };
    for (const _ of [1, 2]) expect((await d3(['sync', '--json'], { cwd: sandbox.dir, env })).code).to.equal(0);
    expect(jamf.requests.length).to.equal(before);
  });

  it('what is merged of a computer is what one side changed; where both did, here it stays', () => {
    const value = fc.constantFrom(null, 1, 2, 3);
    const text = fc.constantFrom(null, 'a', 'b');
    const said = fc.record({
      name: text,
      department: value,
      building: value,
      site: value,
      attributes: fc.dictionary(fc.constantFrom('4', '5'), fc.constantFrom('x', 'y')),
    });
    fc.assert(
      fc.property(said, said, said, (was, here, theirs) => {
        const { body, conflicts, changed } = merged({ schema: 'd3/computer@1', ...here }, was, theirs);
        for (const field of ['name', 'department', 'building', 'site'] as const) {
          const [w, h, t] = [was[field], here[field], theirs[field]];
          expect(body[field]).to.equal(h === w ? t : h);
          expect(conflicts.includes(field)).to.equal(h !== w && t !== w && h !== t);
        }
        for (const id of ['4', '5']) {
          const [w, h, t] = [was, here, theirs].map(({ attributes }) => attributes[id]);
          expect((body['attributes'] as Record<string, string>)[id]).to.equal(h === w ? t : h);
        }
        if (JSON.stringify(theirs) === JSON.stringify(was)) expect(changed).to.equal(false);
      }),
    );
  });
});

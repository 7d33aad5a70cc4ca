import { D3Error, type ProvisioningChange, type ProvisioningLogin } from '@d3/sdk';
import { ScriptedScreen } from '@d3/show';
import { expect } from 'chai';
import { ScreenMachine, until } from '../../../packages/show/test/screen/machine.ts';
import { promptHere } from '../src/asking/here.ts';
import { type Keeper, keeperFor } from '../src/asking/keeper.ts';
import { keepLocked } from '../src/lock/lock.ts';
import { paused } from '../src/paused.ts';
import { readTexts } from '../src/screens/texts.ts';
import type { LockFacts } from '../src/screens/views.ts';
import { World } from './support/world.ts';

const facts = async () => ({
  computer: 'c-1',
  name: 'mac-a',
  serial: 'C02A',
  hardwareUuid: 'U-1',
  model: 'Mac15,3',
  os: { name: 'macOS', version: '26.1' },
  user: null,
  groups: [],
});
const REFUSED = new D3Error('RECORD_REFUSED', 'notAuthorised', 'The account is not accepted.');

/** A server that keeps records: the machine may read it, and accounts with the right password may write. */
class Server {
  readonly written: { change: ProvisioningChange; user: string | null }[] = [];
  readonly asked: string[] = [];
  readonly record = {
    id: '7',
    name: 'mac-a',
    department: null as string | null,
    building: null,
    site: null,
    attributes: {} as Record<string, string>,
  };

  keeper(stored = false): Promise<Keeper> {
    return keeperFor({
      ports: {
        machine: {
          facts,
          record: async () => null,
          rename: async () => false,
          report: async () => undefined,
        },
        provisioning: {
          resolve: async () => ({ schema: 'd3/provisioned@1', record: this.record }),
          named: async (name) => {
            this.asked.push(name);
            const record = name === 'taken' ? { ...this.record, id: '8', name } : null;
            return { schema: 'd3/provisioned@1', record };
          },
          choices: async () => ({
            schema: 'd3/provisioning-choices@1',
            departments: ['R&D, Perth', 'Fine Art'],
            buildings: [],
            sites: [],
            attributes: { build: ['studio', 'office'], Room: null },
            policies: {},
          }),
          write: async (change, login) => this.#write(change, login),
          stands: async () => undefined,
        },
      },
      context: {
        depot: () => Promise.reject(new Error('the depot is not asked')),
        depotKind: async () => 'none',
        admin: async () => 'unknown',
      },
      buildAttribute: 'Build',
      word: null,
      stored,
    });
  }

  async #write(change: ProvisioningChange, login: ProvisioningLogin | null) {
    if (login !== null && login.password !== 'right') throw REFUSED;
    this.written.push({ change, user: login?.user ?? null });
    if (change.name !== undefined) this.record.name = change.name;
    if (change.department !== undefined) this.record.department = change.department;
    Object.assign(this.record.attributes, change.attributes);
    return { schema: 'd3/provisioned@1', record: this.record } as const;
  }
}

const settings = new World({ settings: {} }).settings;

describe('a server that keeps the records of machines', () => {
  const prompted = async (server: Server, screen: ScriptedScreen, stored = false) =>
    promptHere({ keeper: await server.keeper(stored), ports: { machine: { facts } as never }, settings, screen });

  it('patchoo:G3 patchoo:AP-06 patchoo:AP-09 patchoo:AP-10 patchoo:D-04 welcome, name, change, choices, credentials, refused, again, one write', async () => {
    const server = new Server();
    server.record.department = 'Fine Art';
    server.record.attributes = { build: 'office' };
    const screen = new ScriptedScreen({
      name: [{ values: { name: 'taken' } }, { values: { name: 'Studio 7' } }],
      'name-exists': {},
      summary: { button: 'change' },
      build: { values: { value: 'studio' } },
      department: { values: { value: 'R&D, Perth' } },
      credentials: [{ values: { user: 'alice', password: 'wrong' } }, { values: { password: 'right' } }],
      'credentials-refused': { button: 'again' },
    });
    const { written, record, reasons } = await prompted(server, screen);
    expect([written, reasons]).to.deep.equal(['yes', []]);
    expect(record).to.deep.equal({ name: 'Studio 7', department: 'R&D, Perth', build: 'studio' });
    expect(screen.events.map((event) => (event.kind === 'asked' ? event.id : ''))).to.deep.equal([
      'welcome',
      'name',
      'name-exists',
      'name',
      'summary',
      'build',
      'department',
      'credentials',
      'credentials-refused',
      'credentials',
    ]);
    expect(server.written).to.deep.equal([
      {
        change: { name: 'Studio 7', department: 'R&D, Perth', attributes: { build: 'studio' } },
        user: 'alice',
      },
    ]);
    expect(JSON.stringify(screen.events)).to.not.match(/"right"|"wrong"/);
  });

  it('patchoo:G2 a record that is complete needs nobody’s account; patchoo:AP-11 one that is kept writes only where that is set, with a warning', async () => {
    const server = new Server();
    server.record.department = 'Fine Art';
    server.record.attributes = { build: 'office' };
    const complete = new ScriptedScreen({ name: {}, summary: { button: 'continue' } });
    expect(await prompted(server, complete)).to.deep.include({ state: 'confirmed', written: 'nothing' });
    expect([(await server.keeper()).asks, (await server.keeper()).warning]).to.deep.equal(['password', null]);
    const stored = await server.keeper(true);
    expect([stored.asks, stored.warning]).to.deep.equal([
      null,
      'what was answered is written with a credential that is kept on this machine',
    ]);
    const change = new ScriptedScreen({
      name: {},
      summary: { button: 'change' },
      build: { values: { value: 'studio' } },
      department: {},
    });
    expect((await prompted(server, change, true)).written).to.equal('yes');
    expect(server.written.map(({ user }) => user)).to.deep.equal([null]);
  });
});

describe('filling in at the lock', function () {
  this.timeout(60_000);
  let machine: ScreenMachine;
  beforeEach(() => {
    machine = new ScreenMachine();
    machine.somebodyAt(':77');
  });
  afterEach(async () => {
    expect(await machine.remove()).to.deep.equal([]);
    delete process.env['DISPLAY'];
  });

  it('patchoo:HP-10 the code opens the form over the lock, credentials are asked for there, and the machine goes on at once', async () => {
    const server = new Server();
    const screen = await machine
      .browser(
        `
      const next = async (title) => {
        for (;;) {
          const now = await state();
          if (now.form !== null && now.title === title) return now.form;
          await new Promise((resolve) => setTimeout(resolve, 30));
        }
      };
      const fill = async (title, button, values) => {
        const { id } = await next(title);
        say('filled', title + ' ' + (await post('answer', { id, button, values })).status);
      };
      for (let now = await state(); now.view?.escape == null; now = await state());
      await post('escape', {});
      await fill('Technician', 'do', { code: '4711', what: 'fill', who: 'alice', why: 'she knows it' });
      await fill('Computer name', 'set', { name: 'Studio 7' });
      await fill('Provisioning information', 'ok', { build: 'studio', department: 'Fine Art' });
      await fill('Admin credentials', 'ok', { user: 'alice', password: 'right' });`,
      )
      .screen({ platform: 'linux', ways: ['page'], programs: machine.programs });
    const stop = new AbortController();
    let goesOn = 0;
    const lockFacts: LockFacts = {
      run: {
        id: 'r-1',
        state: 'running',
        text: '',
        isAdvanced: true,
        cursor: 0,
        createdAt: '2026-11-28T11:00:00Z',
        steps: [],
      },
      hold: { since: '2026-11-28T11:00:00Z', missing: ['Build', 'Department'] },
      trouble: null,
      serial: 'C02A',
      said: null,
    };
    const said: string[] = [];
    const over = keepLocked({
      screen,
      texts: readTexts([]),
      icon: null,
      contact: null,
      facts: async () => (goesOn > 0 ? null : lockFacts),
      logLine: async () => null,
      isCode: async (code) => code === '4711',
      can: ['fill', 'retry', 'skip', 'release'],
      decide: async () => undefined,
      fill: async () => {
        const keeper = await server.keeper();
        const ports = { machine: { facts } as never };
        const { written } = await promptHere({ keeper, ports, settings, screen, atOnce: true });
        if (written === 'yes') goesOn += 1;
      },
      say: (line) => void said.push(line),
      now: () => new Date(),
      pause: (seconds) => paused(seconds, stop.signal),
      every: 0.1,
      signal: stop.signal,
    });
    try {
      await until('it was written', () => server.written.length === 1, 30_000);
      expect(await over).to.equal('over');
    } finally {
      stop.abort();
    }
    expect(machine.said('browser', 'filled').map(({ text }) => text)).to.deep.equal([
      'Technician 204',
      'Computer name 204',
      'Provisioning information 204',
      'Admin credentials 204',
    ]);
    expect(server.written).to.deep.equal([
      { change: { name: 'Studio 7', department: 'Fine Art', attributes: { build: 'studio' } }, user: 'alice' },
    ]);
    expect(said.join()).to.not.include('right').and.not.include('4711');
  });
});

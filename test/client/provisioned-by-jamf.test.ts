import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { SECRET, StandIn, type Trouble } from '../../plugins/jamf/test/support/jamf-pro.ts';
import { ATTRIBUTE } from '../../plugins/jamf/test/support/samples.ts';
import { advance } from '../../plugins/patchoo-deploy/src/advance.ts';
import { begin } from '../../plugins/patchoo-deploy/src/begin.ts';
import { partsOf } from '../../plugins/patchoo-deploy/src/parts.ts';
import { statusOf } from '../../plugins/patchoo-deploy/src/status.ts';
import { wired } from '../../plugins/patchoo-deploy/test/support/wired.ts';
import { addPolicy } from '../../src/admin/policies.ts';
import { problemsOf } from '../support/errors.ts';
import { withOwnPluginSettings, withoutPluginSettings } from '../support/own-plugin-settings.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** A machine whose record is kept by Jamf Pro and whose packages and policies are the depot's: both plugins, on one bus. */

const JAMF = '@d3/plugin-jamf';
const HOOKS = path.join(import.meta.dirname, '../../plugins/jamf/src/hooks');
const OTHERS = [
  { event: 'd3:provisioning', file: 'provisioning.ts' },
  { event: 'd3:provisioning:state', file: 'provisioning-state.ts' },
].map(({ event, file }) => ({ event, plugin: JAMF, file: path.join(HOOKS, file), identifier: 'default' }));
const RECEIPTS = 'Library/Application Support/JAMF/Receipts';
const LIST = 'GET /v4/computers-inventory';
const PATCH = 'PATCH /v4/computers-inventory-detail/{id}';
const TECHNICIAN = { user: 'tech', password: SECRET };

describe('a machine provisioned by Jamf Pro', function () {
  this.timeout(280_000);
  let sandbox: Sandbox;
  let jamf: StandIn;
  let machine: SandboxMachine;
  let server: string;
  before(() => withOwnPluginSettings());
  after(() => withoutPluginSettings());

  beforeEach(async () => {
    sandbox = await Sandbox.make();
    jamf = new StandIn();
    server = await jamf.start();
    machine = sandbox.machine('mac-a', { serial: 'C02A', hardwareUuid: 'UDID-1', boot: 'one' });
    const { root } = machine;
    mkdirSync(path.join(root, 'etc'));
    writeFileSync(path.join(root, 'secret'), `${SECRET}\n`, { mode: 0o600 });
    configure({});
    for (const name of ['Art', 'Büro & Co, Nord']) jamf.add('departments', { name });
    jamf.add('buildings', { name: 'Haus, "7" & <8>' });
    jamf.add('sites', { name: 'Campus' });
    const popup = { ...ATTRIBUTE, inputType: 'POPUP' as const, scriptContents: null };
    // One that is shown among the hardware is found there all the same.
    jamf.add('attributes', {
      ...popup,
      name: 'Build',
      popupMenuChoices: ['studio', 'office'],
      inventoryDisplayType: 'HARDWARE',
    });
    jamf.add('attributes', { ...ATTRIBUTE, name: 'Room', inputType: 'TEXT', scriptContents: null });
    jamf.computers = [
      { id: '1', udid: 'UDID-1', general: { name: 'mac-a' }, hardware: { serialNumber: 'C02A' } },
      { id: '2', udid: 'UDID-2', general: { name: 'mac-b' }, hardware: { serialNumber: 'C02B' } },
      { id: '3', udid: 'UDID-3', general: { name: 'Twin' }, hardware: { serialNumber: 'C02C' } },
      { id: '4', udid: 'UDID-4', general: { name: 'twin' }, hardware: { serialNumber: 'C02D' } },
    ];
    const note =
      '#!/bin/sh\necho "$D3_POLICY|$D3_PROVISION_BUILD|$D3_PROVISION_DEPARTMENT|$D3_PROVISION_EA_ROOM" >> "$1/done"\n';
    await sandbox.admin(async (session) => {
      for (const [name, event] of Object.entries({ apps: 'deploy', studio: 'deploy-studio' })) {
        const script = path.join(sandbox.folder(`policy-${name}`, { script: note }), 'script');
        const steps = [{ kind: 'script', args: { script } }];
        await addPolicy(name, { file: { steps, folder: sandbox.dir }, events: [event] }, session);
      }
    });
  });
  afterEach(async () => {
    await jamf.stop();
    sandbox.remove();
    expect(jamf.wrong).to.deep.equal([]);
  });

  function configure(more: Record<string, unknown>): void {
    const provision = { attributes: ['build', 'department', 'ea:Room'], optional: ['ea:Room'], update: 'no', ...more };
    const settings = { jamf: { server, clientId: 'd3', secretFile: '/secret' }, provision };
    writeFileSync(path.join(machine.root, 'etc/d3.json'), JSON.stringify(settings));
  }

  const here = () => wired(machine, { others: OTHERS });
  const status = () => statusOf(here().ports);
  const setUp = async () =>
    begin({ mode: 'deploy', by: 'sally', enrolment: 'new', again: false }, await partsOf(here().ports));
  const goOn = async () => {
    await advance(await partsOf(here().ports), { stays: false, by: 'sally' });
    return status();
  };
  const done = () => readFileSync(path.join(machine.root, 'done'), 'utf8').trim().split('\n');
  const calls = (call: string) => jamf.requests.filter((one) => one.call === call).length;

  it('patchoo:AP-01 patchoo:AP-02 patchoo:AP-03 patchoo:AP-05 patchoo:AP-06 patchoo:AP-08 patchoo:DS-18 patchoo:D-12 holds until its record in Jamf Pro is complete, then is deployed by the depot', async () => {
    await setUp();
    const held = await goOn();
    expect([held.state, held.missing]).to.deep.equal(['holding', ['Build', 'Department']]);
    expect(calls(LIST), 'one request tells all of the record').to.equal(1);
    const { provisioning } = here().ports;
    const written = await provisioning.write(
      { department: 'Büro & Co, Nord', attributes: { Build: 'studio', Room: 'Süd 7, links & <hinten>' } },
      TECHNICIAN,
    );
    expect(calls(PATCH), 'one request writes all of it').to.equal(1);
    expect(written?.record).to.deep.include({ department: 'Büro & Co, Nord' });
    expect((await goOn()).state).to.equal('released');
    const said = 'studio|Büro & Co, Nord|Süd 7, links & <hinten>';
    expect(done()).to.deep.equal([`apps|${said}`, `studio|${said}`]);
    expect(sandbox.reports().at(-1)?.provisioning, 'what both know reaches the depot').to.deep.include({
      state: 'released',
      build: 'studio',
      Room: 'Süd 7, links & <hinten>',
    });
    expect(jamf.tokens.size, 'the token of the technician is given back').to.equal(
      [...jamf.tokens.values()].filter(({ user }) => !user).length,
    );
  });

  describe('with Jamf’s own program on it', () => {
    let program: string;
    let calls: string;
    let warnings: string[];
    beforeEach(() => {
      program = path.join(machine.root, 'usr/local/jamf/bin/jamf');
      calls = path.join(sandbox.dir, 'calls');
      warnings = [];
      mkdirSync(path.dirname(program), { recursive: true });
      mkdirSync(path.join(machine.root, RECEIPTS), { recursive: true });
      agent('exit 0');
    });

    /** What it was asked, with the receipts that were there at that moment. @param body of the program, after that was written down */
    function agent(body: string): void {
      const receipts = path.join(machine.root, RECEIPTS);
      writeFileSync(
        program,
        `#!/bin/sh
if [ "$1" = help ]; then printf '\\t%s\\t does it\\n' policy recon; exit 0; fi
echo "$*" $(ls "${receipts}") >>${calls}
${body}
`,
      );
      chmodSync(program, 0o755);
    }
    const called = () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []);
    const receipts = () => readdirSync(path.join(machine.root, RECEIPTS)).toSorted();
    const turn = async () => {
      const tell = (event: { type: string; text?: string }) => {
        if (event.type === 'warning') warnings.push(event.text ?? '');
      };
      const { ports } = wired(machine, { others: OTHERS, tell });
      await advance(await partsOf(ports), { stays: false, by: 'sally' });
      return status();
    };
    const fillIn = () =>
      here().ports.provisioning.write({ department: 'Art', attributes: { Build: 'studio' } }, TECHNICIAN);

    it('patchoo:HP-02 patchoo:HP-03 patchoo:HP-04 patchoo:HP-08 patchoo:SO-03 patchoo:DR-11 patchoo:UL-07 patchoo:D-31 a hold is one receipt and one inventory, its end another; so is the end of all', async () => {
      await setUp();
      for (let looks = 0; looks < 3; looks += 1) expect((await turn()).state).to.equal('holding');
      expect(receipts()).to.deep.equal(['patchooDeploy.holdingpattern']);
      expect(called(), 'one for three looks').to.deep.equal(['recon patchooDeploy.holdingpattern']);
      await fillIn();
      expect((await turn()).state).to.equal('released');
      expect(called().slice(1), 'one each: it holds no more, it is deployed, it is done').to.deep.equal([
        'recon',
        'recon patchooDeploy.done',
        'recon patchooDeploy.done patchooDeploy.updated',
      ]);
      expect([receipts(), warnings]).to.deep.equal([['patchooDeploy.done', 'patchooDeploy.updated'], []]);
    });

    it('patchoo:HP-03 an inventory that failed is taken at the next look, and what was taken is not taken again', async () => {
      agent('echo "Device Signature Error"; exit 1');
      await setUp();
      expect((await turn()).state, 'it stops nothing').to.equal('holding');
      expect(warnings.join()).to.match(/does not know that the deployment is holding: .*Device Signature Error/);
      agent('exit 0');
      await turn();
      await turn();
      expect(called()).to.have.length(2);
    });

    it('patchoo:HP-08 patchoo:DS-06 one that is released by somebody, or begun anew, leaves no receipt of a hold', async () => {
      await setUp();
      await turn();
      const { releaseAsItIs } = await import('../../plugins/patchoo-deploy/src/decide.ts');
      await releaseAsItIs(await partsOf(here().ports), { by: 'bob', why: 'it is a loan' });
      await turn();
      expect((await status()).state).to.equal('released');
      expect(receipts()).to.deep.equal(['patchooDeploy.done', 'patchooDeploy.updated']);
      await begin({ mode: 'deploy', by: 'sally', enrolment: 'new', again: true }, await partsOf(here().ports));
      await turn();
      expect(receipts()).to.deep.equal(['patchooDeploy.holdingpattern']);
    });

    it('patchoo:HP-02 without a folder for receipts nothing is made, and somebody else’s file stays', async () => {
      rmSync(path.join(machine.root, RECEIPTS), { recursive: true });
      await setUp();
      expect((await turn()).state).to.equal('holding');
      expect([called(), warnings.length > 0]).to.deep.equal([[], true]);
      mkdirSync(path.join(machine.root, RECEIPTS), { recursive: true });
      writeFileSync(path.join(machine.root, RECEIPTS, 'patchooDeploy.holdingpattern'), 'mine');
      await fillIn();
      await turn();
      expect(receipts()).to.include('patchooDeploy.holdingpattern');
    });

    it('patchoo:HP-03 where jamf.inventory is never there are receipts alone', async () => {
      const file = path.join(machine.root, 'etc/d3.json');
      const settings = JSON.parse(readFileSync(file, 'utf8'));
      writeFileSync(file, JSON.stringify({ ...settings, jamf: { ...settings.jamf, inventory: 'never' } }));
      await setUp();
      await turn();
      expect([receipts(), called()]).to.deep.equal([['patchooDeploy.holdingpattern'], []]);
    });
  });

  it('patchoo:D-01 patchoo:D-02 patchoo:AP-04 patchoo:DS-17 a site is read where Jamf Pro has it, "None" is none, and choices are names', async () => {
    configure({ attributes: ['site'], optional: [] });
    await setUp();
    const held = await goOn();
    expect([held.state, held.missing]).to.deep.equal(['holding', ['Site']]);
    const { provisioning } = here().ports;
    expect((await provisioning.choices(null))?.sites).to.deep.equal(['Campus']);
    await provisioning.write({ site: 'Campus' }, null);
    const { state, values } = await goOn();
    expect([state, values]).to.deep.equal(['released', { site: 'Campus' }]);
  });

  it('patchoo:CN-04 patchoo:D-03 a name is free, one’s own, another’s, or that of several; only the first two are taken', async () => {
    const { keeperFor } = await import('../../plugins/patchoo-deploy/src/asking/keeper.ts');
    const keeper = await keeperFor({
      ports: here().ports,
      context: {} as never,
      buildAttribute: 'Build',
      word: null,
      stored: true,
    });
    const found = [];
    for (const name of ['nobody', 'mac-a', 'MAC-A', 'mac-b', 'twin']) found.push(await keeper.isAnothers(name, null));
    expect(found).to.deep.equal([false, false, false, true, true]);
  });

  it('patchoo:AP-01 two records for one machine are an error that names both, and no guess', async () => {
    jamf.computers.push({ id: '9', udid: 'UDID-9', general: { name: 'x' }, hardware: { serialNumber: 'C02A' } });
    await setUp();
    const { state, text } = await goOn();
    expect(state).to.equal('failed-held');
    expect(text).to.match(/2 computers in Jamf Pro have the serial C02A/);
  });

  it('patchoo:HP-09 patchoo:D-16 patchoo:AP-14 what Jamf Pro answers instead of a record is said as what it is, and never held for', async () => {
    const { body: page, ...json } = { body: '<html>Sorry</html>', type: 'application/json' };
    // A connection that is kept open may be closed at the moment it is used again: the last of three tries then says so.
    const troubles: [string, Trouble, RegExp][] = [
      ['cut', { kind: 'cut-before' }, /does not answer/],
      ['403', { kind: 'answer', status: 403, body: '{}', ...json }, /403/],
      ['429', { kind: 'answer', status: 429, body: page }, /429|hang up/],
      ['500', { kind: 'answer', status: 500, body: page }, /500|hang up/],
      ['503', { kind: 'answer', status: 503, body: page }, /503|hang up/],
      ['no JSON', { kind: 'answer', status: 200, body: page }, /no JSON/],
      ['another JSON', { kind: 'answer', status: 200, body: '{"results":7}', ...json }, /no list/],
    ];
    await setUp();
    for (const [what, trouble, says] of troubles) {
      jamf.chaos = (call) => (call === LIST ? trouble : undefined);
      const { state, missing, text, exit } = await goOn();
      expect([state, missing], what).to.deep.equal(['server-error', []]);
      expect(says.test(text), `${what}: ${text}`).to.equal(true);
      expect(exit, what).to.equal(20);
    }
    jamf.chaos = (call) => (/oauth/.test(call) ? { kind: 'answer', status: 401, body: '{}', ...json } : undefined);
    const refused = await goOn();
    expect([refused.state, refused.missing], '401').to.deep.equal(['server-error', []]);
    expect(sandbox.reports().filter(({ provisioning }) => provisioning?.['state'] === 'holding')).to.deep.equal([]);
    jamf.chaos = () => undefined;
    expect((await goOn()).state, 'once it answers, it is what it is').to.equal('holding');
  });

  it('patchoo:D-11 patchoo:AP-14 a write that is refused, or not what is read back, is no success, and names the field', async () => {
    const { provisioning } = here().ports;
    const write = async () =>
      problemsOf(provisioning.write({ department: 'Art', attributes: { Build: 'studio' } }, TECHNICIAN));
    const json = { type: 'application/json' };
    for (const status of [400, 403, 409, 500]) {
      const body = JSON.stringify({
        httpStatus: status,
        errors: [{ code: 'X', field: 'departmentId', description: 'no' }],
      });
      jamf.trouble(PATCH, ...Array.from({ length: 3 }, () => ({ kind: 'answer' as const, status, body, ...json })));
      const { problems } = await write();
      expect(problems.length, String(status)).to.equal(1);
      expect(problems[0]?.message, String(status)).to.match(new RegExp(`${status}|not there|not answer`));
      jamf.troubles.clear();
    }
    // It says that it was done, and it was not.
    jamf.trouble(PATCH, { kind: 'answer', status: 204, body: '', ...json });
    const { problems } = await write();
    expect(problems[0]?.message).to.match(/shows another department, Build/);
    const wrong = await problemsOf(provisioning.write({ department: 'Art' }, { user: 'tech', password: 'wrong' }));
    expect(wrong.exitCode, 'an account that is refused').to.equal(21);
    expect((await provisioning.write({ department: 'Art' }, TECHNICIAN))?.record).to.deep.include({
      department: 'Art',
    });
  });

  it('patchoo:AP-17 reads the record from every version of the inventory', async () => {
    for (const version of ['11.30.1', '11.28', '11.23.2', '10.50'] as const) {
      jamf.behaviours.version = version;
      const record = await here()
        .ports.machine.record()
        .catch((error: unknown) => (error instanceof D3Error ? error.message : String(error)));
      expect(record, version).to.deep.include({ name: 'mac-a' });
    }
  });

  it('patchoo:AP-16 patchoo:DS-20 whatever a value is made of, it comes back as it was written', async () => {
    const { provisioning } = here().ports;
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter((one) => one.trim() === one && !/\p{C}/u.test(one));
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        const written = await provisioning.write({ attributes: { Room: value } }, null);
        expect(written?.record?.attributes['Room']).to.equal(value);
        // A name goes through a filter of its own grammar.
        expect((await provisioning.named(value, null).catch(() => 'refused')) ?? null).to.deep.equal({
          schema: 'd3/provisioned@1',
          record: null,
        });
      }),
      { numRuns: 40 },
    );
  });
});

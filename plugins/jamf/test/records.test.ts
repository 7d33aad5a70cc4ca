import { expect } from 'chai';
import fc from 'fast-check';
import {
  attributesOf,
  changeComputer,
  eachComputer,
  findComputer,
  type JamfComputer,
  lastContactField,
  lastContactOf,
  readComputer,
} from '../src/connector/computers.ts';
import type { Connection } from '../src/connector/connection.ts';
import { deleteGroup, listGroups, membersOf } from '../src/connector/groups.ts';
import { deletePackage, listPackages, packageOfFile } from '../src/connector/packages.ts';
import { listPolicies, readPolicy, readPolicyUses } from '../src/connector/policies.ts';
import {
  changeRecord,
  deleteRecord,
  ensureRecord,
  findRecord,
  getRecord,
  listRecords,
  listSites,
} from '../src/connector/records.ts';
import type { Version } from './support/jamf-pro/versions.ts';
import type { Kind, StandIn } from './support/jamf-pro.ts';
import { ATTRIBUTE, PACKAGE } from './support/samples.ts';
import { failureOf, TestSite } from './support/site.ts';

describe('what is in Jamf Pro', () => {
  let site: TestSite;
  let jamf: StandIn;
  let connection: Connection;

  beforeEach(async () => {
    site = await TestSite.open();
    jamf = site.jamf;
    connection = site.connect();
  });

  afterEach(async () => site.close());

  const asked = (start: string): string[] =>
    jamf.requests.filter(({ call }) => call.startsWith(start)).map(({ call }) => call);

  describe('records', () => {
    const samples = [
      [
        'script',
        'scripts',
        { name: 'a', scriptContents: '#!/bin/sh\n', priority: 'AFTER', notes: 'kept', categoryId: '3' },
      ],
      ['category', 'categories', { name: 'a', priority: 9 }],
      ['building', 'buildings', { name: 'a', city: 'kept', country: null }],
      ['department', 'departments', { name: 'a' }],
      ['attribute', 'attributes', { ...ATTRIBUTE, name: 'a' }],
    ] as const;

    for (const [kind, held, fields] of samples) {
      it(`makes, finds, changes and deletes a ${kind}, and keeps what it does not name`, async () => {
        const { id, made } = await ensureRecord(connection, kind, fields as never);
        expect(made).to.equal(true);
        expect(await ensureRecord(connection, kind, fields as never)).to.deep.equal({ id, made: false });
        expect(await getRecord(connection, kind, id)).to.deep.equal({ ...fields, id });
        await changeRecord(connection, kind, id, { name: 'b' });
        expect(jamf.rows(held)).to.deep.equal([{ ...fields, name: 'b', id }]);
        expect(await listRecords(connection, kind)).to.deep.equal(jamf.rows(held));
        await deleteRecord(connection, kind, id);
        await deleteRecord(connection, kind, id);
        expect(jamf.rows(held)).to.deep.equal([]);
        expect((await failureOf(getRecord(connection, kind, id))).code).to.equal('JAMF_NOT_FOUND');
      });

      for (const lag of [0, 60_000])
        it(`makes one ${kind} when only the answer was lost and nodes lag ${lag / 1000} s`, async () => {
          jamf.behaviours.lag = lag;
          const path = { attributes: 'computer-extension-attributes' }[held as string] ?? held;
          jamf.trouble(`POST /v1/${path}`, { kind: 'answer-after', status: 502, body: '<html></html>' });
          const { id } = await ensureRecord(connection, kind, fields as never);
          expect(jamf.rows(held).map((row) => row.id)).to.deep.equal([id]);
        });
    }

    it('finds a name as it is, whatever is in it, and no other one the server thinks the same', async () => {
      const names = [
        'plain',
        'PLAIN',
        'with "quotes"',
        'a*',
        'ab',
        'a,b;c',
        'back\\slash',
        '(x) and y',
        "it's",
        'Ärger €',
      ];
      jamf.behaviours.duplicates = 'allowed';
      const ids = new Map(names.map((name) => [name, jamf.add('departments', { name })]));
      for (const [name, id] of ids) expect((await findRecord(connection, 'department', name))?.id, name).to.equal(id);
      expect(await findRecord(connection, 'department', 'Plain')).to.equal(null);
    });

    it('does not choose between two of one name', async () => {
      jamf.add('buildings', { name: 'twice' });
      jamf.add('buildings', { name: 'twice' });
      const error = await failureOf(ensureRecord(connection, 'building', { name: 'twice' }));
      expect(error.code).to.equal('JAMF_NAME_TWICE');
      expect(error.actions[0]).to.contain('1, 2');
    });

    it('says so when a name is taken meanwhile', async () => {
      jamf.add('categories', { name: 'taken', priority: 1 });
      const id = jamf.add('categories', { name: 'other', priority: 1 });
      const error = await failureOf(changeRecord(connection, 'category', id, { name: 'taken' }));
      expect(error).to.include({ code: 'JAMF_CONFLICT', exit: 'refused' });
    });

    it('does not send the name of the category a script leaves', async () => {
      const id = jamf.add('scripts', { name: 's', categoryId: '1', categoryName: 'old' });
      await changeRecord(connection, 'script', id, { categoryId: '2' });
      expect(jamf.rows('scripts')).to.deep.equal([{ id, name: 's', categoryId: '2' }]);
    });

    it('reads sites, and lists of many pages in order', async () => {
      jamf.add('sites', { name: 'Eau Claire' });
      expect(await listSites(connection)).to.deep.equal([{ id: '1', name: 'Eau Claire' }]);
      for (let one = 0; one < 250; one += 1) jamf.add('departments', { name: `d${one}` });
      const rows = await listRecords(connection, 'department');
      expect(rows.map(({ name }) => name)).to.deep.equal(Array.from({ length: 250 }, (_, index) => `d${index}`));
    });

    it('reads on where a server gives fewer rows a page than it is asked for', async () => {
      for (let one = 0; one < 30; one += 1) jamf.add('departments', { name: `d${one}` });
      jamf.behaviours.mostRows = 7;
      expect(await listRecords(connection, 'department')).to.have.length(30);
    });

    it('finds a package by its file, and deletes it once', async () => {
      const id = jamf.addPackage(PACKAGE);
      jamf.addPackage({ ...PACKAGE, fileName: 'Transmogrifier-1.0-1.PKG' });
      expect((await packageOfFile(connection, PACKAGE.fileName))?.id).to.equal(id);
      await deletePackage(connection, id);
      await deletePackage(connection, id);
      expect((await listPackages(connection)).map((one) => one.id)).to.deep.equal(['2']);
    });

    for (const kind of ['packages', 'scripts'] satisfies Kind[])
      it(`is refused a filter the server does not know among ${kind}`, async () => {
        const error = await failureOf(connection.call(kind, { query: [['filter', 'sha256=="x"']] }));
        expect(error.code).to.equal('JAMF_BAD_REQUEST');
        expect(error.message).to.contain('sha256');
      });
  });

  describe('groups', () => {
    for (const [version, path] of [
      ['11.30.1', 'GET /v3/computer-groups/smart-group-membership/{id}'],
      ['11.25', 'GET /v2/computer-groups/smart-group-membership/{id}'],
      ['11.7.1', 'GET /JSSResource/computergroups/id/{id}'],
    ] satisfies [Version, string][])
      it(`says who is in smart and static ones on ${version}`, async () => {
        jamf.behaviours.version = version;
        for (const name of ['a', 'b', 'c']) jamf.addComputer({ general: { name } });
        jamf.addGroup({ name: 'smart', matches: ({ id }) => id !== '2' });
        jamf.addGroup({ name: 'static', description: 'd', members: ['2', '3'] });
        const groups = await listGroups(connection);
        expect(groups).to.deep.equal([
          { id: '1', name: 'smart', description: '', smart: true },
          { id: '2', name: 'static', description: 'd', smart: false },
        ]);
        const members = [];
        for (const group of groups) members.push(await membersOf(connection, group));
        expect(members).to.deep.equal([
          ['1', '3'],
          ['2', '3'],
        ]);
        expect(jamf.requests.filter(({ status }) => status === 200).map(({ call }) => call)).to.include(path);
      });

    it('knows a smart group as it was calculated last', async () => {
      jamf.behaviours.groupsLag = true;
      jamf.addComputer({ general: { name: 'a' } });
      const wanted = (row: object) => (row as JamfComputer).general?.name === 'b';
      const { id } = jamf.addGroup({ name: 'smart', matches: wanted });
      const group = { id, name: 'smart', description: '', smart: true };
      await changeComputer(connection, '1', { general: { name: 'b' } });
      expect(await membersOf(connection, group)).to.deep.equal([]);
      await connection.call('recalculateComputer', { params: { id: '1' } });
      expect(await membersOf(connection, group)).to.deep.equal(['1']);
    });

    it('deletes either kind, and what is gone already is no failure', async () => {
      const made = [jamf.addGroup({ name: 'a', members: [] }), jamf.addGroup({ name: 'b', matches: () => true })];
      for (const { id, name, smart } of [...made, ...made])
        await deleteGroup(connection, { id, name, smart, description: '' });
      expect(await listGroups(connection)).to.deep.equal([]);
    });
  });

  describe('computers', () => {
    const mac = {
      udid: 'U-1',
      general: { name: 'Calvin', lastContact: '2026-01-01T00:00:00Z', lastCheckIn: '2026-01-01T00:00:00Z' },
      hardware: { serialNumber: 'C02X' },
    };

    for (const [version, path] of [
      ['11.30.1', 'v4'],
      ['11.25', 'v3'],
      ['11.7.1', 'v1'],
    ] satisfies [Version, string][]) {
      it(`reads the sections it asks for, and no others, by ${path}`, async () => {
        jamf.behaviours.version = version;
        jamf.addComputer(mac);
        jamf.addGroup({ name: 'g', members: ['1'] });
        const rows: JamfComputer[] = [];
        for await (const row of eachComputer(connection, ['GENERAL', 'GROUP_MEMBERSHIPS'])) rows.push(row);
        expect(rows[0]?.hardware).to.equal(null);
        expect(rows[0]?.groupMemberships?.map(({ groupName }) => groupName)).to.deep.equal(['g']);
        expect(lastContactOf(rows[0] as JamfComputer)).to.equal(mac.general.lastContact);
        expect((await readComputer(connection, '1')).hardware?.serialNumber).to.equal('C02X');
        const field = await lastContactField(connection);
        const since: JamfComputer[] = [];
        for await (const row of eachComputer(connection, ['GENERAL'], `${field}>"2025-12-31T00:00:00Z"`))
          since.push(row);
        expect(since).to.have.length(1);
        expect(new Set(asked(`GET /${path}/`)).size).to.equal(2);
      });

      it(`finds one by its serial number, UDID or name by ${path}`, async () => {
        jamf.behaviours.version = version;
        jamf.addComputer(mac);
        jamf.addComputer({ udid: 'U-11', general: { name: 'Calvin 2' }, hardware: { serialNumber: 'C02XX' } });
        for (const [by, value] of [
          ['serial', 'c02x'],
          ['udid', 'u-1'],
          ['name', 'Calvin'],
        ] as const)
          expect((await findComputer(connection, by, value, ['GENERAL']))?.id, by).to.equal('1');
        expect(await findComputer(connection, 'serial', 'none', [])).to.equal(null);
      });

      it(`writes what it knows of one in one request under ${path === 'v1' ? 'v1, after' : path}`, async () => {
        jamf.behaviours.version = version;
        jamf.addComputer(mac);
        const departmentId = jamf.add('departments', { name: 'Research' });
        const siteId = jamf.add('sites', { name: 'Eau Claire' });
        const popup = { ...ATTRIBUTE, name: 'build', inputType: 'POPUP', popupMenuChoices: ['lab', 'desk'] };
        const top = jamf.add('attributes', popup);
        const inGeneral = jamf.add('attributes', {
          ...ATTRIBUTE,
          name: 'note',
          inputType: 'TEXT',
          inventoryDisplayType: 'GENERAL',
        });
        await changeComputer(connection, '1', {
          general: { name: 'Hobbes', siteId },
          userAndLocation: { departmentId },
          extensionAttributes: [
            { definitionId: top, values: ['lab'] },
            { definitionId: inGeneral, values: ['soft'] },
          ],
        });
        expect(asked('PATCH').at(-1)).to.equal(`PATCH /${path}/computers-inventory-detail/{id}`);
        const now = await readComputer(connection, '1');
        expect(now.general).to.deep.include({ name: 'Hobbes', site: { id: siteId, name: 'Eau Claire' } });
        expect(now.userAndLocation?.departmentId).to.equal(departmentId);
        expect(attributesOf(now).map(({ name, values }) => [name, values])).to.deep.equal([
          ['build', ['lab']],
          ['note', ['soft']],
        ]);
      });
    }

    it('is refused what the server does not know, and nothing of it is written', async () => {
      jamf.addComputer(mac);
      const popup = jamf.add('attributes', { ...ATTRIBUTE, inputType: 'POPUP', popupMenuChoices: ['lab'] });
      const wrong = [
        { general: { name: 'X' }, extensionAttributes: [{ definitionId: '99', values: ['x'] }] },
        { general: { name: 'X' }, extensionAttributes: [{ definitionId: popup, values: ['none of them'] }] },
        { general: { name: 'X' }, userAndLocation: { buildingId: '99' } },
        { general: { name: 'X', nick: 'Y' } },
      ];
      for (const one of wrong)
        expect((await failureOf(changeComputer(connection, '1', one))).code).to.equal('JAMF_BAD_REQUEST');
      expect(jamf.computers[0]?.['general']).to.deep.equal(mac.general);
    });

    it('does not choose between two of one name', async () => {
      jamf.addComputer(mac);
      jamf.addComputer({ general: { name: 'calvin' } });
      expect((await failureOf(findComputer(connection, 'name', 'Calvin', []))).code).to.equal('JAMF_COMPUTER_TWICE');
    });

    it('reads many pages whole only once', async () => {
      for (let one = 0; one < 250; one += 1) jamf.addComputer({ general: { name: `m${one}` } });
      let count = 0;
      for await (const _ of eachComputer(connection, ['GENERAL', 'EXTENSION_ATTRIBUTES'])) count += 1;
      expect(count).to.equal(250);
      const whole = jamf.requests.filter(({ path }) => path.includes('EXTENSION_ATTRIBUTES'));
      expect(whole).to.have.length(3);
      expect(jamf.requests.filter(({ path }) => path.includes('PURCHASING'))).to.have.length(3);
    });

    it('loses none and doubles none while pages shift, and gives each whole', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: 320 }),
          fc.array(fc.record({ page: fc.nat(3), remove: fc.nat(319), add: fc.boolean() }), { maxLength: 4 }),
          async (number, changes) => {
            jamf.computers = [];
            for (let one = 0; one < number; one += 1) jamf.addComputer({ general: { name: `m${one}` } });
            const before = new Set(jamf.computers.map(({ id }) => id));
            const left = [...changes];
            let added = 1000;
            jamf.onPage = (page) => {
              const next = left.findIndex((one) => one.page === page);
              if (next < 0) return;
              const [change] = left.splice(next, 1);
              jamf.computers.splice(change?.remove ?? 0, 1);
              if (change?.add === true) jamf.addComputer({ id: String(added++), general: { name: 'new' } });
            };
            const ids: string[] = [];
            for await (const row of eachComputer(connection, ['GENERAL'])) {
              expect(row.general?.name).to.be.a('string');
              ids.push(row.id);
            }
            expect(new Set(ids).size).to.equal(ids.length);
            expect(ids).to.include.members(jamf.computers.map(({ id }) => id).filter((id) => before.has(id)));
          },
        ),
        { numRuns: 30 },
      );
    });
  });

  describe('policies', () => {
    const add = (name: string, sections: object = {}): string =>
      jamf.addPolicy({ general: { name, enabled: true, trigger_other: 'go' }, ...sections });

    it('reads them by id and by name, whatever else is in them', async () => {
      const id = add('<Install> & "more"', {
        package_configuration: { packages: [{ id: 7, name: 'a.pkg', action: 'Install' }], distribution_point: 'x' },
        scripts: [{ id: 3, name: 's', priority: 'Before', parameter4: 'p' }],
        reboot: { message: 'This is not in the schema', user_logged_in: 'Do not restart' },
        scope: { computers: [{ id: 1, name: 'c' }] },
      });
      expect(await listPolicies(connection)).to.deep.equal([{ id, name: '<Install> & "more"' }]);
      const policy = {
        id,
        name: '<Install> & "more"',
        enabled: true,
        event: 'go',
        packages: [{ id: '7', name: 'a.pkg', action: 'Install' }],
        scripts: [{ id: '3', name: 's', priority: 'Before' }],
      };
      expect(await readPolicy(connection, { id })).to.deep.equal(policy);
      expect(await readPolicy(connection, { name: '<Install> & "more"' })).to.deep.equal(policy);
      expect((await failureOf(readPolicy(connection, { id: '99' }))).code).to.equal('JAMF_NOT_FOUND');
    });

    it('depot3:J20 says which use a package or a script, at most five at a time, and minds none that goes meanwhile', async () => {
      const uses = { package_configuration: { packages: [{ id: 7, name: 'a.pkg', action: 'Install' }] } };
      for (let one = 0; one < 30; one += 1)
        add(`p${one}`, one % 10 === 3 ? uses : { scripts: [{ id: one, name: 's' }] });
      jamf.behaviours.slow = 5;
      jamf.trouble('GET /JSSResource/policies/id/{id}', {
        kind: 'answer',
        status: 404,
        body: '<html>Not Found</html>',
      });
      const { packages, scripts } = await readPolicyUses(connection);
      expect(packages.get('7')).to.deep.equal(['p3', 'p13', 'p23']);
      expect(scripts.get('5')).to.deep.equal(['p5']);
      expect(packages.get('8')).to.equal(undefined);
      expect(jamf.mostAtOnce).to.equal(5);
    });

    for (const [what, body] of [
      ['a page', '<html><body>Sign in</body></html>'],
      ['nothing', ''],
      ['JSON', '{"policies":[]}'],
      ['entities of its own', '<!DOCTYPE x [<!ENTITY a "b">]><policies><policy><id>&a;</id></policy></policies>'],
    ] as const)
      it(`does not take ${what} for policies`, async () => {
        jamf.trouble('GET /JSSResource/policies', { kind: 'answer', status: 200, body });
        expect((await failureOf(listPolicies(connection))).code).to.equal('JAMF_NOT_XML');
      });

    it('says in words what the Classic API refuses as a page', async () => {
      jamf.behaviours.privileges = [];
      const error = await failureOf(listPolicies(connection));
      expect(error.code).to.equal('JAMF_FORBIDDEN');
      expect(error.message).to.contain('Status page Forbidden').and.not.to.contain('<');
    });
  });
});

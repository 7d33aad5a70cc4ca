import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { editComputer } from '../../src/admin/computers.ts';
import { openRecord, type SealedRecord, sealRecord } from '../../src/depot/sealed-records.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox } from '../support/sandbox.ts';

const word = fc.string({ unit: 'grapheme', maxLength: 40 });
const place = fc.option(word);
const records: fc.Arbitrary<SealedRecord> = fc.record({
  schema: fc.constant('d3/record@1' as const),
  name: place,
  department: place,
  building: place,
  site: place,
  attributes: fc.dictionary(word, word, { maxKeys: 5 }),
});

describe('what admins say of a computer, sealed for it', () => {
  it('comes out as it was for the computer it is for, and for no other; the same record is the same bytes', () => {
    fc.assert(
      fc.property(records, fc.uuid(), fc.uuid(), (record, computer, other) => {
        fc.pre(computer !== other);
        const bytes = sealRecord(record, computer);
        expect(JSON.stringify(openRecord(bytes, computer))).to.equal(JSON.stringify(record));
        expect(bytes.equals(sealRecord(record, computer))).to.equal(true);
        expect(() => openRecord(bytes, other)).to.throw('is none');
      }),
    );
  });

  it('refuses every altered byte, and what is too short', () => {
    const record: SealedRecord = {
      schema: 'd3/record@1',
      name: 'lab-1',
      department: 'art',
      building: null,
      site: null,
      attributes: { Build: 'studio' },
    };
    const bytes = sealRecord(record, 'computer');
    for (let at = 0; at < bytes.length; at += 1) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] as number) ^ 1;
      expect(() => openRecord(altered, 'computer')).to.throw('is none');
      expect(() => openRecord(bytes.subarray(0, at), 'computer')).to.throw('is none');
    }
  });

  describe('in a depot', () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
      sandbox = await Sandbox.make();
    });
    afterEach(() => sandbox.remove());
    const shown = () => path.join(sandbox.depot, 'public', 'records');

    it('is what the machine reads, follows every change, and says nothing in the clear', async () => {
      const machine = sandbox.machine('mac-a', { serial: 'C02A' });
      await machine.sync();
      const { depot } = machine.machine;
      const id = sandbox.reports()[0]?.computer.id as string;
      expect(await depot?.record(id)).to.equal(null);
      expect(existsSync(shown())).to.equal(false);
      await sandbox.admin(async (session) => {
        const { store } = session.depot;
        await store.documents('department').create('Fine Art', { schema: 'd3/department@1', description: '' }, 'sally');
        await store
          .documents('ea')
          .create(
            'Build',
            { schema: 'd3/ea@1', description: '', type: 'choice', choices: ['studio', 'office'] },
            'sally',
          );
        await editComputer('C02A', { department: 'Fine Art', eas: ['Build=studio'], name: 'art-7' }, session);
      });
      expect(await depot?.record(id)).to.deep.equal({
        schema: 'd3/record@1',
        name: 'art-7',
        department: 'Fine Art',
        building: null,
        site: null,
        attributes: { Build: 'studio' },
      });
      const [file = ''] = readdirSync(shown());
      expect(file).to.match(/^[0-9a-f]{64}$/);
      expect(readFileSync(path.join(shown(), file), 'latin1')).not.to.match(/Fine Art|studio|art-7|C02A/);
      const before = statSync(path.join(shown(), file)).ino;
      await sandbox.admin((session) => editComputer('C02A', { eas: ['Build=office'] }, session));
      expect((await depot?.record(id))?.attributes).to.deep.equal({ Build: 'office' });
      expect(statSync(path.join(shown(), file)).ino).not.to.equal(before);
      writeFileSync(path.join(shown(), file), 'something else');
      const { problems } = await problemsOf(async () => depot?.record(id));
      expect(problems.map(({ code }) => code)).to.deep.equal(['RECORD_ALTERED']);
    });
  });
});

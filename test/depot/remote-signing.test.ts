import { join } from 'node:path';
import { expect } from 'chai';
import { type Depot, type LocalDepot, openDepot, openRemoteDepot } from '../../src/depot/index.ts';
import { makeKey } from '../../src/depot/keys.ts';
import { type DraftToSign, signDraft } from '../../src/depot/signing.ts';
import { expectFailure, newEdition, TestClock } from './helpers.ts';
import { type ServedDepot, serveForTest } from './served.ts';

/** An admin signs on a machine of their own for a depot that is served, and the server may lie. */
describe('signing for a served depot', () => {
  let served: ServedDepot;
  let clock: TestClock;
  /** What the server does to drafts before it gives them. */
  let lie: (drafts: DraftToSign[]) => DraftToSign[];
  const open: Depot[] = [];

  beforeEach(async () => {
    clock = new TestClock();
    lie = (drafts) => drafts;
    served = await serveForTest({ clock, change: lying });
  });
  afterEach(async () => {
    for (const depot of open.splice(0)) await depot.close();
    await served.discard();
  });

  const lying = (depot: LocalDepot): LocalDepot => {
    const { signing } = depot;
    const drafts = async () => lie(await signing.drafts());
    Object.assign(depot, { signing: { ...signing, drafts } });
    return depot;
  };
  const keysOf = (who: string) => join(served.dir, who, 'keys');
  const as = async (who: string) => {
    const signer = {
      keys: [keysOf(who)],
      trust: { folder: join(served.dir, who, 'depots'), firstRoot: null },
      clock,
    };
    const secret = await served.token(`${who}-${open.length}`, 'admin');
    const options = { url: new URL(served.url), token: async () => secret, ca: null, work: join(served.dir, 'work') };
    const depot = await openRemoteDepot({ ...options, signal: new AbortController().signal, signer });
    open.push(depot);
    return depot;
  };
  /** The targets keys go to these people, away from the host of the depot. */
  const handOver = async (threshold: number, ...people: string[]) => {
    const add = await Promise.all(people.map((who) => makeKey(keysOf(who), 'targets')));
    const { roles } = await served.depot.signing.keys();
    const remove = roles.flatMap(({ role, keys }) => (role === 'targets' ? keys.map(({ id }) => id) : []));
    const holder = await openDepot(served.depot.dir, { clock, keys: people.map(keysOf) });
    await holder.signing.rotate({ role: 'targets', add, remove, threshold, folder: null }, 'test');
    await holder.publish({ mine: true });
    expect(await holder.signing.waiting()).to.deep.equal([]);
    await holder.close();
  };
  const shown = async () => {
    const response = await served.ask('GET', '/public/metadata/timestamp.json');
    const { version } = JSON.parse(response.text).signed.meta['snapshot.json'];
    const snapshot = JSON.parse((await served.ask('GET', `/public/metadata/${version}.snapshot.json`)).text);
    const { version: of } = snapshot.signed.meta['targets.json'];
    const targets = JSON.parse((await served.ask('GET', `/public/metadata/${of}.targets.json`)).text);
    const { sha256 } = targets.signed.targets['catalog.json'].hashes;
    const catalog = JSON.parse((await served.ask('GET', `/public/targets/${sha256}.catalog.json`)).text);
    return catalog.editions.map(({ edition, status }: { edition: string; status: string }) => `${edition} ${status}`);
  };
  const sent = async (depot: Depot, changes: object = {}) => {
    const { sha256, size } = await depot.blobs.put(Buffer.from(JSON.stringify(changes)));
    const { file, ...rest } = newEdition(changes);
    return { ...rest, file: { ...file, sha256, size }, contents: null };
  };
  const add = async (depot: Depot, changes: object = {}) =>
    depot.addEdition(await sent(depot, changes), depot.admin ?? '');

  it('what an admin asked for is signed by their own key, and machines see it; the server alone shows nothing', async () => {
    await handOver(1, 'sally');
    const sally = await as('sally');
    const added = await add(sally);
    await served.server.publisher.now();
    await served.depot.publish({ renew: true });
    expect(await shown()).to.deep.equal([]);
    expect((await sally.publish({ mine: true }))?.generation).to.be.greaterThan(0);
    expect(await shown()).to.deep.equal([`${added.edition} pilot`]);
    const by = sally.admin ?? '';
    await sally.store.editions.makeLive(added.id, by, { liveId: null, newestId: added.id });
    await sally.store.editions.update(added.id, { description: 'as it is' }, by);
    await sally.publish({ mine: true });
    expect(await shown()).to.deep.equal([`${added.edition} live`]);
    const next = await add(sally, { revision: 2 });
    await sally.store.editions.makeLive(next.id, by, { liveId: added.id, newestId: next.id });
    const group = await sally.store.documents('group').create(
      'lab',
      {
        schema: 'd3/group@1',
        kind: 'static',
        description: '',
        members: ['0b9f2c9e-1111-4222-8333-444455556666', '0a9f2c9e-1111-4222-8333-444455556666'],
      },
      by,
    );
    await sally.store
      .documents('mirror')
      .create('m', { schema: 'd3/mirror@1', url: 'https://m.example.org', networks: [], priority: 1 } as never, by);
    await sally.publish({ mine: true });
    expect(await shown()).to.deep.equal([`${added.edition} deprecated`, `${next.edition} live`]);
    await sally.store.documents('group').update(group.id, group.generation, { name: 'labs' }, by);
    await sally.store.editions.delete(added.id, by, { archive: false });
    await sally.publish({ mine: true });
    expect(await shown()).to.deep.equal([`${next.edition} live`]);
    expect(await sally.signing.waiting()).to.deep.equal([]);
    const events = await served.depot.store.history.list({ what: 'keys.signed' });
    expect(events.map(({ by: who }) => who)).to.deep.equal([by, by, by, by]);
  });

  it('what was signed is told as shown, where the server published it by itself a moment earlier', async () => {
    await handOver(1, 'sally');
    const sally = await as('sally');
    const { edition } = await add(sally);
    await served.server.publisher.now();
    const { depot } = served;
    const publish = depot.publish.bind(depot);
    // The timer's publication comes between the signatures and the one that they ask for.
    Object.assign(depot, { publish: async () => ((await publish()) === null ? null : publish()) });
    const { generation } = (await sally.publish({ mine: true })) ?? { generation: -1 };
    expect(generation).to.equal((await depot.store.publication.last())?.generation);
    expect(await shown()).to.deep.equal([`${edition} pilot`]);
  });

  it('nothing is signed that somebody else changed: it is refused here, whatever the server says', async () => {
    await handOver(1, 'sally');
    const sally = await as('sally');
    expect(await sally.signing.waitsForMine()).to.equal(false);
    await add(await as('bob'), { revision: 7 });
    await served.server.publisher.now();
    expect(await sally.signing.waitsForMine()).to.equal(true);
    await add(sally);
    const error = await expectFailure(sally.publish({ mine: true }), 'DRAFT_FOREIGN', 'verificationFailed');
    expect(error.message).to.include('-7 is new, pilot');
    expect(await shown()).to.deep.equal([]);
    // Looked at and agreed to, it is signed: exactly what was shown.
    const again = await as('sally');
    const drafted = await again.signing.draftedCatalog();
    expect(drafted?.after.editions).to.have.length(2);
    await again.publish({ mine: true, agreed: true });
    expect(await shown()).to.have.length(2);
  });

  it('what the server slips in is refused: another file, another status, an older catalog, other bytes, older numbers', async () => {
    await handOver(1, 'sally');
    const sally = await as('sally');
    const first = await add(sally);
    await sally.publish({ mine: true });
    await add(sally, { revision: 2 });
    await served.server.publisher.now();
    const { createHash } = await import('node:crypto');
    type Content = { generation: number; editions: Record<string, unknown>[]; groups: object[] };
    type Signed = {
      version: number;
      expires: string;
      targets: Record<string, { length: number; hashes: { sha256: string } }>;
    };
    const forged = (change: (content: Content, signed: Signed) => void) => (drafts: DraftToSign[]) =>
      drafts.map((draft) => {
        const metadata = JSON.parse(JSON.stringify(draft.metadata));
        const content = JSON.parse(String(draft.catalog)) as Content;
        change(content, metadata.signed);
        const catalog = Buffer.from(JSON.stringify(content));
        const target = metadata.signed.targets['catalog.json'];
        target.length = catalog.length;
        target.hashes.sha256 = createHash('sha256').update(catalog).digest('hex');
        return { ...draft, metadata: { ...metadata, signatures: [] }, catalog };
      });
    const last = ({ editions }: Content) => editions.at(-1) as Record<string, unknown>;
    const foreign = [
      forged((content) => void content.editions.push({ ...last(content), id: 99, edition: 'evil-1-1' })),
      forged((content) => Object.assign(last(content)['file'] as object, { sha256: 'e'.repeat(64) })),
      forged((content) => Object.assign(last(content), { status: 'live' })),
      forged((content) => Object.assign(last(content), { addedBy: 'somebody' })),
      forged(({ editions }) => Object.assign(editions[0] as object, { autoGroups: ['standard', 7] })),
      forged(({ editions }) => void editions.shift()),
      forged((content) => Object.assign(content, { generation: 0 })),
      forged((content) => void content.groups.push({ id: 1, name: 'all', members: [] })),
      forged((content) => Object.assign(content, { mirrors: [{ url: 'https://evil.example.org', networks: [] }] })),
      forged((content) => Object.assign(content, { more: true })),
    ];
    for (const each of foreign) {
      lie = each;
      await expectFailure(sally.publish({ mine: true }), 'DRAFT_FOREIGN', 'verificationFailed');
    }
    const wrong: ((drafts: DraftToSign[]) => DraftToSign[])[] = [
      (drafts) => drafts.map((draft) => ({ ...draft, catalog: Buffer.from('{}') })),
      forged((_content, signed) => Object.assign(signed, { version: 1 })),
      forged((_content, signed) => Object.assign(signed, { expires: '2099-01-01T00:00:00Z' })),
      forged((_content, signed) => Object.assign(signed, { more: 1 })),
      forged((_content, signed) => Object.assign(signed.targets, { more: signed.targets['catalog.json'] })),
      forged((content) => Object.assign(content, { editions: null })),
      (drafts) => drafts.map((draft) => ({ ...draft, metadata: { signed: {}, signatures: [] } })),
    ];
    for (const each of wrong) {
      lie = each;
      await expectFailure(sally.publish({ mine: true }), 'DRAFT_WRONG', 'verificationFailed');
      await expectFailure((await as('sally')).signing.draftedCatalog(), 'DRAFT_WRONG', 'verificationFailed');
    }
    expect(await shown()).to.deep.equal([`${first.edition} pilot`]);
    expect(await served.depot.store.history.list({ what: 'keys.signed' })).to.have.length(1);
    lie = (drafts) => drafts;
    await sally.publish({ mine: true });
    expect(await shown()).to.have.length(2);
  });

  it('a number that the server gave for another edition makes nothing live', async () => {
    await handOver(1, 'sally');
    const sally = await as('sally');
    const by = sally.admin ?? '';
    const tool = await add(sally);
    const other = await add(sally, { basename: 'other' });
    await sally.publish({ mine: true });
    const { editions } = served.depot.store;
    const byEdition = editions.byEdition.bind(editions);
    editions.byEdition = async (name) => {
      const found = await byEdition(name);
      return found === null ? null : { ...found, id: other.id };
    };
    const mistaken = await as('sally');
    const said = await mistaken.store.editions.byEdition(tool.edition);
    await mistaken.store.editions.makeLive(said?.id ?? 0, by, { liveId: null, newestId: other.id });
    const error = await expectFailure(mistaken.publish({ mine: true }), 'DRAFT_FOREIGN', 'verificationFailed');
    expect(error.message).to.include(`other-${other.version}-1 has the number ${other.id}`);
    expect((await shown()).every((text: string) => text.endsWith(' pilot'))).to.equal(true);
  });

  it('a file that did not come from here waits until it was looked at', async () => {
    await handOver(1, 'sally');
    await served.depot.blobs.put(Buffer.from('from elsewhere'));
    const sally = await as('sally');
    const edition = await sent(sally);
    const bob = await as('bob');
    const { sha256, size } = await bob.blobs.put(Buffer.from('bytes of bob'));
    await sally.addEdition({ ...edition, file: { ...edition.file, sha256, size } }, sally.admin ?? '');
    expect(await sally.publish({ mine: true })).to.equal(null);
    expect(await shown()).to.deep.equal([]);
    expect((await sally.signing.waiting()).map(({ role }) => role)).to.deep.equal(['targets']);
  });

  it('targets are handed over to an admin elsewhere by their first signature, over the network', async () => {
    const key = await makeKey(keysOf('sally'), 'targets');
    const { signing } = served.depot;
    const old = (await signing.keys()).roles.flatMap(({ role, keys }) =>
      role === 'targets' ? keys.map(({ id }) => id) : [],
    );
    await signing.rotate({ role: 'targets', add: [key], remove: old, threshold: 1, folder: null }, 'test');
    await served.depot.publish();
    const sally = await as('sally');
    expect(await sally.signing.waitsForMine()).to.equal(true);
    expect((await sally.signing.draftedRoles()).map(({ role }) => role)).to.deep.equal(['targets']);
    await sally.publish({ mine: true, agreed: true });
    expect((await sally.signing.keys()).root).to.equal(2);
    expect(await sally.signing.waiting()).to.deep.equal([]);
    await add(sally);
    await sally.publish({ mine: true });
    expect(await shown()).to.have.length(1);
  });

  it('policies, smart groups and records: what can be worked out here is signed, the rest is looked at', async () => {
    await handOver(1, 'sally');
    const sally = await as('sally');
    const by = sally.admin ?? '';
    const policy = {
      schema: 'd3/policy@1',
      description: '',
      events: [],
      scope: { groups: ['standard'], excludedGroups: [], departments: [], buildings: [], provisioning: {} },
      frequency: 'ongoing',
      steps: [{ kind: 'wait', args: { seconds: 1 } }],
    } as never;
    const added = await sally.store.documents('policy').create('tidy', policy, by);
    await sally.publish({ mine: true });
    expect(await sally.signing.waiting()).to.deep.equal([]);
    await sally.store.documents('policy').update(added.id, added.generation, { name: 'tidier' }, by);
    await sally.publish({ mine: true });
    expect(await sally.signing.waiting()).to.deep.equal([]);
    const smart = (criteria: object) => ({ schema: 'd3/group@1', kind: 'smart', description: '', criteria }) as never;
    const known = { all: [{ fact: 'os-version', op: '>=', not: false, value: '14' }] };
    await sally.store.documents('group').create('macs', smart(known), by);
    await sally.publish({ mine: true });
    expect(await sally.signing.waiting()).to.deep.equal([]);
    const recorded = { all: [{ fact: 'department', op: 'is', not: false, value: 'lab' }] };
    await sally.store.documents('group').create('lab', smart(recorded), by);
    expect(await sally.publish({ mine: true })).to.equal(null);
    expect((await sally.signing.waiting()).map(({ role }) => role)).to.deep.equal(['targets']);
  });

  it('history names whose signatures counted, and nobody else', async () => {
    await handOver(2, 'sally', 'bob');
    await add(await as('sally'));
    await served.server.publisher.now();
    const [draft] = await served.depot.signing.drafts();
    if (draft === undefined) throw new Error('there should be a draft');
    const right = await signDraft({ ...draft, metadata: JSON.parse(JSON.stringify(draft.metadata)) }, [
      keysOf('sally'),
    ]);
    const { roles } = await served.depot.signing.keys();
    const bobs = roles
      .flatMap(({ role, keys }) => (role === 'targets' ? keys.map(({ id }) => id) : []))
      .find((id) => id !== right[0]?.keyid);
    const secret = await served.token('rosa', 'releaser');
    const signatures = [...right, { keyid: bobs, sig: 'a'.repeat(128) }];
    const sent = { secret, json: { role: 'targets', signatures } };
    expect((await served.ask('POST', '/api/v1/signing/signatures', sent)).json['taken']).to.equal(1);
    const [event] = await served.depot.store.history.list({ what: 'keys.signed' });
    expect(event?.after).to.deep.equal({ keys: right.map(({ keyid }) => keyid) });
  });

  it('several holders sign in turn, and the first goes on from what they signed', async () => {
    await handOver(2, 'sally', 'bob');
    const sally = await as('sally');
    await add(sally);
    expect(await sally.publish({ mine: true })).to.equal(null);
    expect(await sally.signing.waitsForMine()).to.equal(false);
    const later = await as('sally');
    await add(later, { revision: 2 });
    await later.publish({ mine: true });
    expect((await later.signing.waiting())[0]).to.deep.include({ role: 'targets', missing: 1 });
    const bob = await as('bob');
    expect(await bob.signing.waitsForMine()).to.equal(true);
    expect((await bob.signing.draftedCatalog())?.after.editions).to.have.length(2);
    await bob.publish({ mine: true, agreed: true });
    expect(await shown()).to.have.length(2);
    const { roles } = await bob.signing.keys();
    const of = (wanted: string) => roles.find(({ role }) => role === wanted)?.keys.map(({ atHand }) => atHand);
    expect([of('targets')?.toSorted(), of('timestamp')]).to.deep.equal([[false, true], [false]]);
  });

  it('a new root is signed over the network as well, the next after the one that is trusted and no other', async () => {
    const key = await makeKey(keysOf('sally'), 'root');
    const { signing } = served.depot;
    const { roles } = await signing.keys();
    const old = roles.flatMap(({ role, keys }) => (role === 'root' ? keys.map(({ id }) => id) : []));
    await signing.rotate({ role: 'root', add: [key], remove: old, threshold: 1, folder: null }, 'test');
    await served.depot.publish();
    const sally = await as('sally');
    expect((await sally.signing.draftedRoles()).map(({ role }) => role)).to.deep.equal(['root']);
    await sally.publish({ mine: true });
    expect((await sally.signing.keys()).root).to.equal(1);
    lie = (drafts) =>
      drafts.map((draft) => {
        const metadata = JSON.parse(JSON.stringify(draft.metadata));
        metadata.signed.version = 1;
        return { ...draft, metadata };
      });
    await expectFailure((await as('sally')).signing.draftedRoles(), 'DRAFT_WRONG', 'verificationFailed');
    lie = (drafts) => drafts;
    await sally.publish({ mine: true, agreed: true });
    expect((await sally.signing.keys()).root).to.equal(2);
  });
});

import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import {
  createDepotClient,
  type DepotClient,
  FolderTransport,
  initDepot,
  type LocalDepot,
  openDepot,
  type Rotation,
} from '../../src/depot/index.ts';
import { makeKey, publicKeyOf, publicText, readKeyring, type SigningRole } from '../../src/depot/keys.ts';
import { type GivenSignature, signDraft } from '../../src/depot/signing.ts';
import { expectFailure, inFolder, newEdition, readJson, TestClock } from './helpers.ts';

interface Scene {
  dir: string;
  depot: string;
  clock: TestClock;
  /** A machine that knows the depot from its beginning. */
  machine: DepotClient;
  /** Works on the depot with the keys in some folders besides its own. */
  as: <T>(work: (depot: LocalDepot) => Promise<T>, ...keys: string[]) => Promise<T>;
  rotate: (role: SigningRole, changes?: Partial<Rotation>, ...keys: string[]) => Promise<void>;
  /** Adds an edition and publishes it as far as the keys go. */
  add: (...keys: string[]) => Promise<void>;
  pub: (path: string) => string;
}

async function inScene(test: (scene: Scene) => Promise<void>): Promise<void> {
  await inFolder(async (dir) => {
    const clock = new TestClock();
    const depot = join(dir, 'depot');
    await initDepot(depot, { clock });
    const transport = new FolderTransport(depot);
    const machine = createDepotClient({ transport, trustDir: join(dir, 'trust'), clock });
    await machine.refresh();
    let revision = 0;
    const as: Scene['as'] = async (work, ...keys) => {
      const opened = await openDepot(depot, { clock, keys: keys.map((name) => join(dir, name)) });
      try {
        return await work(opened);
      } finally {
        await opened.close();
      }
    };
    const rotate: Scene['rotate'] = (role, changes = {}, ...keys) =>
      as(
        async (opened) => {
          const rotation = { role, add: [], remove: [], threshold: null, folder: null, ...changes };
          await opened.signing.rotate(rotation, 'sally');
          await opened.publish({ mine: true });
        },
        ...keys,
      );
    const add: Scene['add'] = (...keys) =>
      as(
        async (opened) => {
          revision += 1;
          await opened.store.editions.insert(newEdition({ revision }), 'sally');
          await opened.publish({ mine: true });
        },
        ...keys,
      );
    const pub = (path: string) => join(depot, 'public/metadata', path);
    await test({ dir, depot, clock, machine, as, rotate, add, pub });
  });
}

const editionsOf = async (machine: DepotClient) => (await machine.refresh()).catalog.editions.length;

describe('the keys of a depot', () => {
  it('are replaced role by role; machines follow, and the old ones are gone from the host', () =>
    inScene(async ({ depot, machine, rotate, add, as }) => {
      for (const [at, role] of (['timestamp', 'snapshot', 'targets', 'root'] as const).entries()) {
        const before = await readKeyring([join(depot, 'keys')]);
        await rotate(role);
        const after = await readKeyring([join(depot, 'keys')]);
        expect(after.size).to.equal(4);
        expect([...before.keys()].filter((id) => !after.has(id))).to.have.length(1);
        await add();
        expect(await editionsOf(machine)).to.equal(at + 1);
      }
      const { root, waiting } = await as((opened) => opened.signing.keys());
      expect([root, waiting]).to.deep.equal([5, []]);
      const events = await as((opened) => opened.store.history.list({ what: 'keys.rotated' }));
      expect(events.map(({ by, target }) => [by, target.name])).to.deep.equal([
        ['sally', 'timestamp'],
        ['sally', 'snapshot'],
        ['sally', 'targets'],
        ['sally', 'root'],
      ]);
    }));

  it('a root key kept away is needed for new roots alone', () =>
    inScene(async ({ dir, depot, machine, rotate, add, as, clock }) => {
      await rotate('root', { folder: join(dir, 'stick') }, 'stick');
      expect((await readdir(join(depot, 'keys'))).filter((name) => name.startsWith('root'))).to.deep.equal(['roots']);
      await add();
      expect(await editionsOf(machine)).to.equal(1);
      await rotate('timestamp');
      const waiting = await as((opened) => opened.signing.waiting());
      expect(waiting.map(({ role, missing }) => [role, missing])).to.deep.equal([['root', 1]]);
      await add();
      expect(await editionsOf(machine)).to.equal(2);
      await as((opened) => opened.publish({ mine: true }), 'stick');
      expect((await as((opened) => opened.signing.keys())).root).to.equal(3);
      await add();
      expect(await editionsOf(machine)).to.equal(3);
      // Its year goes by: the root is renewed by who brings the key, and by nobody else.
      clock.moveDays(200);
      await as((opened) => opened.publish());
      expect((await as((opened) => opened.signing.keys())).root).to.equal(3);
      await as((opened) => opened.publish({ mine: true }), 'stick');
      expect((await as((opened) => opened.signing.keys())).root).to.equal(4);
      expect(await editionsOf(machine)).to.equal(3);
    }));

  it('a root of several holders is signed in turns, and in force only when all have that must', () =>
    inScene(async ({ dir, machine, rotate, as }) => {
      const holders = ['ann', 'bob', 'cat'];
      const made = await Promise.all(holders.map((name) => makeKey(join(dir, name), 'root')));
      const add = made.map((key) => publicKeyOf(publicText(key)));
      const { roles } = await as((opened) => opened.signing.keys());
      const [old] = roles.flatMap(({ role, keys }) => (role === 'root' ? keys.map(({ id }) => id) : []));
      await rotate('root', { add, remove: [old as string], threshold: 2 });
      const missing = async () => (await as((opened) => opened.signing.waiting())).map((draft) => draft.missing);
      expect(await missing()).to.deep.equal([2]);
      await as((opened) => opened.publish({ mine: true }), 'ann');
      expect(await missing()).to.deep.equal([1]);
      await as((opened) => opened.publish({ mine: true }), 'ann');
      expect(await missing()).to.deep.equal([1]);
      await as((opened) => opened.publish({ mine: true }), 'cat');
      expect(await missing()).to.deep.equal([]);
      expect((await machine.refresh()).source).to.equal('fresh');
      await rotate('timestamp', {}, 'bob');
      expect(await missing()).to.deep.equal([1]);
      await as((opened) => opened.publish({ mine: true }), 'ann');
      expect((await as((opened) => opened.signing.keys())).root).to.equal(3);
      expect((await machine.refresh()).source).to.equal('fresh');
    }));

  it('targets of several holders: nothing is shown to machines before enough have signed, and what is in force stays signed', () =>
    inScene(async ({ dir, depot, machine, rotate, add, as, clock, pub }) => {
      const made = await Promise.all(['ann', 'bob', 'cat'].map((name) => makeKey(join(dir, name), 'targets')));
      const { roles } = await as((opened) => opened.signing.keys());
      const remove = roles.flatMap(({ role, keys }) => (role === 'targets' ? keys.map(({ id }) => id) : []));
      await rotate('targets', { add: made, remove, threshold: 2 }, 'ann');
      // The new root has its signature; what it is to vouch for has one of two.
      expect(await readdir(join(depot, 'public/metadata'))).to.not.include('2.root.json');
      await as((opened) => opened.publish({ mine: true }), 'bob');
      expect(await readdir(join(depot, 'public/metadata'))).to.include('2.root.json');
      expect((await readdir(join(depot, 'keys'))).filter((name) => name.startsWith('targets'))).to.deep.equal([]);

      await add('ann');
      expect(await editionsOf(machine)).to.equal(0);
      const [draft] = await as((opened) => opened.signing.waiting());
      expect([draft?.role, draft?.missing, draft?.signed, draft?.open.length]).to.deep.equal([
        'targets',
        1,
        [made[0]?.id],
        2,
      ]);
      const drafted = await as((opened) => opened.signing.draftedCatalog());
      expect([drafted?.before?.editions.length, drafted?.after.editions.length]).to.deep.equal([0, 1]);
      clock.moveDays(20);
      await as((opened) => opened.publish());
      expect((await readJson(pub('timestamp.json'))).signed.expires).to.equal('2030-02-20T00:00:00Z');
      expect(await editionsOf(machine)).to.equal(0);
      await as((opened) => opened.publish({ mine: true }), 'cat');
      expect(await editionsOf(machine)).to.equal(1);
      expect(await as((opened) => opened.signing.waiting())).to.deep.equal([]);

      // What changes while one waits is drafted anew: no signature counts for what its holder did not see.
      await add('ann');
      await add('bob');
      const [second] = await as((opened) => opened.signing.waiting());
      expect([second?.missing, second?.signed]).to.deep.equal([1, [made[1]?.id]]);
      await as((opened) => opened.publish({ mine: true }), 'ann');
      expect(await editionsOf(machine)).to.equal(3);
    }));

  it('a host without the key of targets cannot show machines anything, and says whose signature is missing', () =>
    inScene(async ({ dir, depot, machine, rotate, add, as }) => {
      await rotate('targets', { folder: join(dir, 'sally') }, 'sally');
      expect((await readKeyring([join(depot, 'keys')])).size).to.equal(3);
      await add();
      expect(await editionsOf(machine)).to.equal(0);
      await expectFailure(rotate('targets'), 'KEY_PLACE', 'usage');
      expect(await as((opened) => opened.signing.waitsForMine(), 'sally')).to.equal(true);
      expect(await as((opened) => opened.signing.waitsForMine())).to.equal(false);
      // Who owns the host may change the root to be as well: without its holder nothing comes of it.
      await rotate('root', { folder: join(dir, 'stick') }, 'stick');
      await rotate('targets', { folder: join(depot, 'keys') });
      await add();
      expect(await editionsOf(machine)).to.equal(0);
      const view = await as((opened) => opened.signing.keys());
      expect(view.roles.find(({ role }) => role === 'targets')?.keys[0]?.where).to.include('sally');
    }));

  it('a holder signs on a machine of their own what they were shown, and nothing else; the host takes what is right', () =>
    inScene(async ({ dir, machine, rotate, add, as }) => {
      await rotate('targets', { folder: join(dir, 'sally') }, 'sally');
      await add();
      const [draft] = await as((opened) => opened.signing.drafts());
      expect(draft?.role).to.equal('targets');
      const sent = JSON.parse(JSON.stringify(draft?.metadata));
      const shown = { role: 'targets' as const, metadata: sent, catalog: draft?.catalog ?? null };
      const other = { ...shown, catalog: Buffer.from('{}') };
      await expectFailure(signDraft(other, [join(dir, 'sally')]), 'DRAFT_WRONG', 'verificationFailed');
      await makeKey(join(dir, 'mallory'), 'targets');
      const take = (given: GivenSignature[]) => as((opened) => opened.signing.take('targets', given));
      expect(await take(await signDraft(shown, [join(dir, 'mallory')]))).to.deep.equal([]);
      const right = await signDraft(shown, [join(dir, 'sally')]);
      const wrong = right.map(({ keyid, sig }) => ({
        keyid,
        sig: sig.replace(/^../, sig.startsWith('00') ? '11' : '00'),
      }));
      expect(await take(wrong)).to.deep.equal([]);
      expect(await editionsOf(machine)).to.equal(0);
      expect(await take(right)).to.deep.equal(right.map(({ keyid }) => keyid));
      expect(await take(right)).to.deep.equal([]);
      await as((opened) => opened.publish());
      expect(await editionsOf(machine)).to.equal(1);
      // A new root in the same way.
      await rotate('root', { folder: join(dir, 'stick') }, 'stick');
      await rotate('timestamp');
      const [root] = await as((opened) => opened.signing.drafts());
      if (root === undefined) throw new Error('there should be a draft of the root');
      const signatures = await signDraft(root, [join(dir, 'stick')]);
      expect(await as((opened) => opened.signing.take('root', signatures))).to.have.length(1);
      await as((opened) => opened.publish());
      expect((await as((opened) => opened.signing.keys())).root).to.equal(4);
      expect((await machine.refresh()).source).to.equal('fresh');
    }));

  it('are refused when they cannot be', () =>
    inScene(async ({ dir, rotate, as }) => {
      await expectFailure(rotate('targets', { threshold: 2 }), 'THRESHOLD', 'usage');
      await expectFailure(rotate('targets', { remove: ['ffff'] }), 'KEY_UNKNOWN', 'notFound');
      const { roles } = await as((opened) => opened.signing.keys());
      const [snapshot] = roles.flatMap(({ role, keys }) => (role === 'snapshot' ? keys : []));
      const used = publicKeyOf(snapshot?.publicKey as string);
      await expectFailure(rotate('targets', { add: [used] }), 'KEY_USED', 'usage');
      await expectFailure(rotate('timestamp', { folder: dir }), 'KEY_OF_HOST', 'usage');
      for (const text of ['', 'ed25519:', 'x'.repeat(64), `rsa:${'a'.repeat(64)}`])
        expect(() => publicKeyOf(text)).to.throw(/no public half/);
    }));

  it('all roots come back as they were when the public ones are lost', () =>
    inScene(async ({ depot, machine, rotate, add, as }) => {
      await rotate('timestamp');
      const root = await readFile(join(depot, 'public/metadata/2.root.json'));
      await rm(join(depot, 'public'), { recursive: true });
      await as(async () => undefined);
      expect((await readFile(join(depot, 'public/metadata/2.root.json'))).equals(root)).to.equal(true);
      await add();
      expect(await editionsOf(machine)).to.equal(1);
    }));

  it('a root that is lost with its copy is not replaced by one that nobody signed, or that names other keys', () =>
    inScene(async ({ dir, depot, machine, rotate, as, pub }) => {
      const lose = async (version: number) => {
        const bytes = await readFile(pub(`${version}.root.json`));
        await rm(pub(`${version}.root.json`));
        await rm(join(depot, `keys/roots/${version}.root.json`));
        return bytes;
      };
      const shown = async () =>
        Object.fromEntries(
          await Promise.all(
            (await readdir(pub('.'))).map(async (name) => [name, await readFile(pub(name), 'utf8')] as const),
          ),
        );
      const expectRefused = async (version: number) => {
        const before = await shown();
        const error = await expectFailure(
          as((opened) => opened.publish({ renew: true })),
          'ROOT_LOST',
          'failed',
        );
        expect(error.target).to.include(`${version}.root.json`);
        expect(error.actions?.join()).to.include('backup');
        expect(await shown()).to.deep.equal(before);
        expect(await readdir(join(depot, 'keys/roots'))).to.not.include(`${version}.root.json`);
      };
      // Signed by a key that is not at hand.
      await rotate('root', { folder: join(dir, 'stick') }, 'stick');
      const second = await lose(2);
      await expectRefused(2);
      await writeFile(pub('2.root.json'), second);
      // Signed by one that is, yet the keys it named are others than those before it named.
      await rotate('root', { folder: join(depot, 'keys') }, 'stick');
      await rotate('timestamp');
      const fourth = await lose(4);
      await expectRefused(4);
      await writeFile(pub('4.root.json'), fourth);
      // One in the middle: what was there before does not lead to what is there now.
      const middle = await lose(3);
      await expectRefused(3);
      await writeFile(pub('3.root.json'), middle);
      await as((opened) => opened.publish({ renew: true }));
      expect((await machine.refresh()).source).to.equal('fresh');
    }));

  it('two that are rotated at once are both rotated, and both are noted that are kept elsewhere', () =>
    inScene(async ({ dir, machine, as }) => {
      // The root key is away, so that what is drafted waits.
      const rotate = (role: SigningRole, folder: string | null) =>
        as((opened) => opened.signing.rotate({ role, add: [], remove: [], threshold: null, folder }, 'sally'));
      await Promise.all([rotate('timestamp', null), rotate('targets', join(dir, 'sally'))]);
      await Promise.all([rotate('snapshot', null), rotate('root', join(dir, 'stick'))]);
      const drafted = await as((opened) => opened.signing.draftedRoles());
      expect(drafted.map(({ role }) => role).toSorted()).to.deep.equal(['root', 'snapshot', 'targets', 'timestamp']);
      await as((opened) => opened.publish({ mine: true }), 'sally', 'stick');
      const { root, roles } = await as((opened) => opened.signing.keys());
      expect(root).to.equal(2);
      const places = roles.map(({ keys }) => dirname(keys[0]?.where ?? ''));
      const home = join(dir, 'depot/keys');
      expect(places).to.deep.equal([join(dir, 'stick'), join(dir, 'sally'), home, home]);
      expect((await machine.refresh()).source).to.equal('fresh');
    }));

  it('one that comes back with a root that waits is not removed from the host before', () =>
    inScene(async ({ dir, depot, machine, rotate, as }) => {
      const file = (await readdir(join(depot, 'keys'))).find((name) => name.startsWith('timestamp'));
      const pem = await readFile(join(depot, 'keys', file as string));
      const old = [...(await readKeyring([join(depot, 'keys')])).values()].find((key) =>
        key.file.endsWith(file as string),
      );
      if (old === undefined) throw new Error('there is a key of timestamp');
      await rotate('timestamp');
      await rotate('root', { folder: join(dir, 'stick') }, 'stick');
      const [now] = await as(async (opened) =>
        (await opened.signing.keys()).roles.flatMap(({ role, keys }) => (role === 'timestamp' ? keys : [])),
      );
      await writeFile(join(depot, 'keys/timestamp-old.pem'), pem, { mode: 0o600 });
      await rotate('timestamp', { add: [old], remove: [now?.id as string] });
      await as((opened) => opened.publish({ renew: true }));
      expect(await readdir(join(depot, 'keys'))).to.include('timestamp-old.pem');
      await as((opened) => opened.publish({ mine: true }), 'stick');
      expect((await readKeyring([join(depot, 'keys')])).has(now?.id as string)).to.equal(false);
      expect((await machine.refresh()).source).to.equal('fresh');
    }));

  it('two rotations at once are both in the root to come', () =>
    inScene(async ({ as, machine }) => {
      const plain = { add: [], remove: [], threshold: null, folder: null };
      const roles = ['snapshot', 'timestamp'] as const;
      await Promise.all(roles.map((role) => as((depot) => depot.signing.rotate({ role, ...plain }, 'sally'))));
      await as(async (depot) => {
        expect((await depot.signing.draftedRoles()).map(({ role }) => role)).to.have.members(roles);
        await depot.publish({ mine: true });
        expect(await depot.signing.draftedRoles()).to.deep.equal([]);
      });
      expect(await editionsOf(machine)).to.equal(0);
    }));

  it('a root that is lost while its keys are elsewhere is asked for, and nothing unsigned takes its place', () =>
    inScene(async ({ dir, depot, as, rotate, pub }) => {
      await rotate('root', { folder: join(dir, 'usb') }, 'usb');
      const kept = await readFile(pub('2.root.json'));
      const copies = [pub('2.root.json'), join(depot, 'keys/roots/2.root.json')];
      for (const file of copies) await rm(file);
      const lost = await expectFailure(
        as(async () => undefined),
        'ROOT_LOST',
        'failed',
      );
      expect(lost.target).to.equal(pub('2.root.json'));
      expect((await readdir(pub('.'))).filter((name) => name.endsWith('root.json'))).to.deep.equal(['1.root.json']);
      await writeFile(pub('2.root.json'), kept);
      expect(await as((opened) => opened.publish({ renew: true }))).to.deep.include({ generation: 0 });
    }));

  it('the root that is exported lets a machine trust this depot alone at its first contact', () =>
    inScene(async ({ dir, depot, rotate, as, clock }) => {
      const { bytes } = await as((opened) => opened.signing.exportRoot());
      const firstRoot = join(dir, 'd3-root.json');
      await writeFile(firstRoot, bytes);
      await rotate('timestamp');
      await rotate('root');
      const other = join(dir, 'other');
      await initDepot(other, { clock });
      const known = (place: string, trust: string) =>
        createDepotClient({ transport: new FolderTransport(place), trustDir: join(dir, trust), clock, firstRoot });
      const error = await expectFailure(known(other, 'a').refresh(), 'DEPOT_IS_ANOTHER', 'verificationFailed');
      expect(error.message).to.include('trust.root');
      expect((await known(depot, 'b').refresh()).source).to.equal('fresh');
      await rm(firstRoot);
      await expectFailure(known(depot, 'c').refresh(), 'TRUST_ROOT', 'usage');
      expect((await known(depot, 'b').refresh()).source).to.equal('unchanged');
    }));
});

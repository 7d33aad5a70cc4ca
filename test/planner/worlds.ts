import fc from 'fast-check';
import type { Catalog, Edition, EditionAttributes, GroupRef } from '../../src/catalog/types.ts';
import type { Drift, Receipt } from '../../src/planner/receipt.ts';
import type { Deferred, Facts, Request } from '../../src/planner/types.ts';
import { catalog, deferred, edition, FROZEN, facts, on, receipt, script } from './fixtures.ts';

/** A depot and a machine. */
export interface World {
  catalog: Catalog;
  facts: Facts;
}

const BASENAMES = ['foo', 'bar', '7'];
const GONE_BASENAME = 'gone';
const PROCESSES = ['Safari', 'Xcode'];

/** OS limits with the machines of {@link MACHINE} they let have an edition: what the tests hold to be true. */
export const OS_LIMITS: Record<string, string[]> = {
  '>=11': ['macOS 15.6'],
  '10.9.x': ['macOS 10.9.5'],
  'debian 12': ['debian 12'],
  snow: [],
};
const SYSTEMS = ['macOS 15.6', 'macOS 10.9.5', 'debian 12'];
/** CPUs as machines name them, with what they are. */
export const CPUS: Record<string, string | null> = { arm64: 'arm64', arm: 'arm64', x86_64: 'x86_64', riscv64: null };

/** Mostly the first, so that worlds shrink to the plainest and many paths end in an action. */
function mostly<T>(plain: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant(plain) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

const groups: fc.Arbitrary<GroupRef[]> = mostly<GroupRef[]>([], [1], [2, 1], [99], [1, 99]);

const attributes: fc.Arbitrary<Partial<EditionAttributes>> = fc.record({
  oses: mostly<string[]>([], ['>=11'], ['10.9.x', 'debian 12'], ['snow']),
  cpu: mostly<Edition['cpu']>(null, 'arm64', 'x86_64'),
  reboot: mostly(false, true),
  removable: mostly(true, false),
  removeFirst: fc.boolean(),
  prohibitingProcesses: mostly<string[]>([], ['Safari'], ['Xcode', 'Safari', 'Safari']),
  autoGroups: fc.oneof(groups, fc.constant<GroupRef[]>(['standard'])),
  excludedGroups: groups,
  preInstall: mostly<Edition['preInstall']>(null, script(1)),
  postInstall: mostly<Edition['postInstall']>(null, script(2)),
  preRemove: mostly<Edition['preRemove']>(null, script(3)),
  postRemove: mostly<Edition['postRemove']>(null, script(4)),
  expiration: mostly(0, 30),
  expirationPaths: mostly<string[]>([], ['/a'], ['/a', '/b']),
  requires: mostly<string[]>([], ['future'], ['future', 'present']),
});

const editions: fc.Arbitrary<Edition[]> = fc
  .array(
    fc.record({
      basename: fc.constantFrom(...BASENAMES),
      status: fc.constantFrom<Edition['status']>('live', 'pilot', 'deprecated', 'skipped', 'missing'),
      attributes,
      /** A name that several may share. */
      packageName: mostly<string | null>(null, 'Twin', '4'),
      format: mostly<Edition['file']['format']>('pkg', 'deb', 'dmg'),
    }),
    { maxLength: 10, size: 'max' },
  )
  .map((drawn) => {
    const withLive = new Set<string>();
    return drawn.map(({ basename, status, attributes: given, packageName, format }, at) => {
      const second = status === 'live' && withLive.has(basename);
      if (status === 'live') withLive.add(basename);
      return edition({
        ...given,
        // Even ids, so that odd ones are of editions that are gone.
        id: (at + 1) * 2,
        basename,
        status: second ? 'pilot' : status,
        ...(packageName === null ? {} : { packageName }),
        ...(format === 'pkg' ? {} : inFormat(format, basename, at)),
      });
    });
  });

/** Every .deb has one of few versions, so that what somebody else put there may be just the wanted one. */
function inFormat(format: Edition['file']['format'], name: string, at: number): Partial<Edition> {
  const file = { ...edition({ id: (at + 1) * 2, basename: name }).file, format };
  if (format !== 'deb') return { file };
  const version = `${at % 3}`;
  return { file, debianPackage: { name, version, architecture: 'all', depends: '', installedKb: 1 } };
}

/** How a receipt differs from its edition: what happened on the machine, and what changed in the depot since. */
const marks = fc.record({
  piloting: fc.boolean(),
  displacedLive: fc.boolean(),
  manual: fc.boolean(),
  frozen: mostly<Receipt['frozen']>(null, FROZEN),
  customExpiration: mostly<number | null>(null, 7),
  /** When the edition was first seen to be gone: never, 90 days before, a day less. */
  goneSince: fc.constantFrom(null, '2029-10-03T00:00:00.000Z', '2029-10-04T00:00:00.000Z'),
  /** The edition was given another version since. */
  renamed: mostly(false, true),
  since: mostly<Partial<Receipt>>(
    {},
    { removable: false },
    { prohibitingProcesses: ['Xcode'] },
    { preRemove: script(5), expiration: 3 },
  ),
});

const installed = fc
  .array(fc.record({ which: fc.nat(19), isGone: mostly(false, true), marks }), { maxLength: 4, size: 'max' })
  .map((drawn) => (all: readonly Edition[]) => {
    const receipts = new Map<string, Receipt>();
    for (const { which, isGone, marks: drawnMarks } of drawn) {
      const { since, renamed, ...others } = drawnMarks;
      const of = (isGone ? undefined : all[which % Math.max(all.length, 1)]) ?? goneEdition(which);
      const name = renamed ? { version: 'old', edition: `${of.basename}-old-1` } : {};
      receipts.set(of.basename, receipt(of, { ...others, ...since, ...name }));
    }
    return [...receipts.values()];
  });

/** An edition no depot has: of a basename it knows, or of one it does not. */
function goneEdition(which: number): Edition {
  return edition({ id: which * 2 + 1, basename: which % 2 === 0 ? GONE_BASENAME : 'foo', version: 'gone' });
}

/** What waits for a restart, one edition for each basename; some of it is gone from the depot since. */
const waiting = fc
  .array(
    fc.record({
      which: fc.nat(19),
      isGone: mostly(false, true),
      piloting: mostly(false, true),
      force: mostly(false, true),
      freeze: mostly(false, true),
      mode: fc.constantFrom('install' as const, 'auto-install' as const),
      queuedAt: mostly('2026-01-01T00:00:00.000Z', '2036-01-01T00:00:00.000Z'),
    }),
    { maxLength: 2, size: 'max' },
  )
  .map((drawn) => (all: readonly Edition[]) => {
    const entries = new Map<string, Deferred>();
    for (const { which, isGone, ...changes } of drawn) {
      const of = (isGone ? undefined : all[which % Math.max(all.length, 1)]) ?? goneEdition(which);
      entries.set(of.basename, deferred(of, changes));
    }
    return [...entries.values()];
  });

const machine = fc.record({
  os: fc.constantFrom(...SYSTEMS),
  cpu: fc.constantFrom(...Object.keys(CPUS)),
  groups: fc.subarray([1, 2, 99]),
  processes: fc.subarray([...PROCESSES, 'Finder']),
  cutProcesses: fc.constant<string[]>([]),
  formats: mostly<NonNullable<Facts['machine']['formats']>>(['pkg', 'deb', 'dmg'], ['pkg'], ['pkg', 'deb']),
});

const circumstances = fc.record({
  interrupted: mostly<string[]>([], ['foo'], ['bar', GONE_BASENAME]),
  inProgress: mostly<string[]>([], ['foo']),
  settings: fc.record({
    pilots: fc.constantFrom<'hold' | 'update'>('hold', 'update'),
    quitProcesses: mostly<'off' | 'ask'>('off', 'ask'),
    noticeDays: fc.constantFrom(0, 14),
  }),
  waits: mostly<Facts['waits']>([], [{ basename: 'foo', since: '2029-12-17T00:00:00.000Z' }]),
  scriptRunners: mostly<string[]>(['scripts'], []),
  capabilities: mostly<string[]>(['future', 'present'], [], ['present']),
});

/** What somebody else made of a package, by turns for the receipts there are: nothing, its removal, another version. */
const changed = fc
  .array(mostly<string | null | undefined>(undefined, null, '1', '9'), { minLength: 4, maxLength: 4 })
  .map(
    (drawn) => (receipts: readonly Receipt[]) =>
      receipts.flatMap(({ basename }, at): Drift[] => {
        const found = drawn[at];
        return found === undefined ? [] : [{ basename, package: basename, recorded: '0.5', found }];
      }),
  );

export const worlds: fc.Arbitrary<World> = fc
  .record({ editions, installed, waiting, machine, circumstances, changed })
  .map((drawn) => {
    const [name = '', version = ''] = drawn.machine.os.split(' ');
    const receipts = drawn.installed(drawn.editions);
    const drift = drawn.changed(receipts);
    const deferredHere = drawn.waiting(drawn.editions);
    return {
      catalog: catalog(...drawn.editions),
      facts: on(
        { ...drawn.machine, os: { name, version } },
        facts(receipts, { ...drawn.circumstances, deferred: deferredHere, drift }),
      ),
    };
  });

export const syncs: fc.Arbitrary<Extract<Request, { kind: 'sync' }>> = fc.record({
  kind: fc.constant('sync' as const),
  force: fc.boolean(),
  puppies: fc.boolean(),
});

/** Words that name nothing, or nothing of their own, in any world. */
const STRANGERS = ['nix', '7zip-x', '__proto__', ''];

/** Picks a name out of those a world has. */
const targets = fc.array(fc.record({ which: fc.nat(), stranger: mostly<string | null>(null, ...STRANGERS) }), {
  minLength: 1,
  maxLength: 4,
});

const asked = fc.oneof(
  fc.record({
    kind: fc.constantFrom('install' as const, 'pilot' as const),
    targets,
    admin: fc.constant('amy'),
    force: fc.boolean(),
    puppies: fc.boolean(),
    freeze: mostly(false, true),
    expiration: mostly<number | null>(null, 0, 7, 30),
  }),
  fc.record({ kind: fc.constant('uninstall' as const), targets, force: fc.boolean() }),
  fc.record({ kind: fc.constant('depilot' as const), targets, force: fc.boolean(), leaveOff: fc.boolean() }),
  fc.record({ kind: fc.constant('freeze' as const), targets, admin: fc.constant('amy') }),
  fc.record({ kind: fc.constantFrom('thaw' as const, 'forget' as const, 'dequeue' as const), targets }),
  fc.record({ kind: fc.constant('dequeue' as const), targets, givenUp: fc.constant('it failed twice') }),
);

/** Any request but a sync, mostly for what the world it is made in has. */
const requested: fc.Arbitrary<[Request, World]> = fc.tuple(asked, worlds).map(([request, world]) => {
  const installs = request.kind === 'install' || request.kind === 'pilot';
  const queued = world.facts.deferred.map(({ edition: of }) => of);
  const held = request.kind === 'dequeue' ? queued : world.facts.receipts;
  const names = installs ? [...world.catalog.editions, ...queued].flatMap(namesOf) : held.flatMap(namesOf);
  const words = request.targets.map(({ which, stranger }) => stranger ?? names[which % names.length] ?? 'foo');
  return [{ ...request, targets: words }, world];
});

export const cases: fc.Arbitrary<[Request, World]> = fc.oneof(
  { weight: 3, arbitrary: requested },
  { weight: 1, arbitrary: fc.tuple(syncs, worlds) },
);

/** Every way to name an edition or a receipt, the common ones more than once. */
function namesOf(item: Edition | Receipt): string[] {
  const rare = 'packageName' in item ? [item.packageName, item.file.name] : [];
  return [item.edition, item.edition, item.edition, item.basename, item.basename, String(item.id), ...rare];
}

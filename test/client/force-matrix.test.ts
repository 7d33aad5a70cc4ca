import { expect } from 'chai';
import type { Edition } from '../../src/catalog/types.ts';
import type { ActingContext } from '../../src/client/context.ts';
import { State } from '../../src/client/state/state.ts';
import { carryOutUninstall } from '../../src/client/uninstall.ts';
import type { TrustedCatalog } from '../../src/depot/contract.ts';
import { noPlugins } from '../../src/lifecycle/plugins.ts';
import type { Receipt } from '../../src/planner/receipt.ts';
import type { Facts, Request } from '../../src/planner/types.ts';
import { dpkgClaims } from '../../src/platform/dpkg-claims.ts';
import { openRootFs } from '../../src/platform/rootfs.ts';
import { decision, edition, facts, install, on, receipt, told, uninstall } from '../planner/fixtures.ts';
import { availableTo } from '../support/machine.ts';
import { Sandbox } from '../support/sandbox.ts';

/** What --force changes, and what it never does: the ancestor's table, row by row. */
describe('depot3:D01 force', () => {
  const live = edition({ id: 3 });
  const [deprecated, skipped] = [edition({ id: 1, status: 'deprecated' }), edition({ id: 2, status: 'skipped' })];
  const newer = edition({ id: 4, status: 'pilot' });
  const has = (of: Edition, changes: Partial<Receipt> = {}) => facts([receipt(of, { piloting: false, ...changes })]);
  const here = on({ groups: [1], processes: ['Safari'] }, facts());
  const busy = (of: Facts) => on({ processes: ['Safari'] }, of);
  const get =
    (target: string, options = {}) =>
    (force: boolean) =>
      install(target, { force, ...options });
  const remove = (force: boolean) => uninstall('foo', force);
  const only = (changes: Partial<Edition>) => [edition({ id: 3, ...changes })];
  const dumb = facts([], { scriptRunners: [] });
  const script = { id: 1, name: 'check', sha256: 'a'.repeat(64), size: 1 };

  type Row = [
    area: string,
    request: (force: boolean) => Request,
    of: Facts,
    all: Edition[],
    without: string,
    withForce: string,
  ];
  const rows: Row[] = [
    ['a deprecated edition', get('foo-1.0-1'), facts(), [deprecated, live], 'refused', 'install'],
    ['a skipped edition', get('foo-2.0-1'), facts(), [skipped, live], 'refused', 'install'],
    // Nothing to do is no failure: a policy may ask for the same edition every day.
    ['the same edition', get('foo'), has(live), [live], 'nothing', 'reinstall'],
    ['an older edition', get('foo'), has(newer), [live, newer], 'refused', 'rollback'],
    ['an excluded group', get('foo'), here, only({ excludedGroups: [1] }), 'refused', 'install'],
    ['a process, at install', get('foo'), here, only({ prohibitingProcesses: ['Safari'] }), 'refused', 'install'],
    [
      'a process, at uninstall',
      remove,
      busy(has(live, { prohibitingProcesses: ['Safari'] })),
      [live],
      'refused',
      'uninstall',
    ],
    ['--freeze with a newer one there', get('foo', { freeze: true }), has(newer), [live, newer], 'refused', 'refresh'],
    ['a wrong system', get('foo'), here, only({ oses: ['10.9.x'] }), 'refused', 'refused'],
    ['a wrong processor', get('foo'), here, only({ cpu: 'x86_64' }), 'refused', 'refused'],
    ['a missing file', get('foo-3.0-1'), here, only({ status: 'missing' }), 'refused', 'refused'],
    ['what is not removable', remove, has(live, { removable: false }), [live], 'refused', 'refused'],
    ['what needs a newer d3', get('foo'), here, only({ requires: ['future'] }), 'refused', 'refused'],
    ['a script nobody runs', get('foo'), dumb, only({ preInstall: script }), 'refused', 'refused'],
    ['nothing of the name', get('nix'), here, [live], 'refused', 'refused'],
  ];
  for (const [area, request, of, all, without, withForce] of rows) {
    it(`${area}: ${without} without, ${withForce} with`, () => {
      const came = (force: boolean) => told(decision(request(force), of, ...all)).split(' ');
      for (const [force, expected] of [
        [false, without],
        [true, withForce],
      ] as const) {
        const words = came(force);
        expect(words[0] === 'act' ? words[1] : words[0], words.join(' ')).to.equal(expected);
      }
    });
  }

  describe('on a machine', () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
      sandbox = await Sandbox.make();
      await sandbox.add('tool', '1', { live: true });
    });
    afterEach(() => sandbox.remove());

    it('list-available: filtered without, all live editions with', async () => {
      await sandbox.add('other-os', '1', { live: true, oses: 'plan9 4' });
      const { machine } = sandbox.machine('mac-a');
      const trusted = (await machine.depot?.refresh()) as TrustedCatalog;
      const names = async (all: boolean) => (await availableTo(machine, trusted, all)).map(({ basename }) => basename);
      expect(await names(false)).to.deep.equal(['tool']);
      expect(await names(true)).to.deep.equal(['other-os', 'tool']);
    });

    it('an uninstall that fails: kept on record without, its record dropped with, and said', async () => {
      for (const force of [false, true]) {
        const mac = sandbox.machine(`mac-${force}`);
        const { machine, root } = mac;
        await mac.install(['tool']);
        const state = State.open(machine.paths);
        const warnings: string[] = [];
        try {
          const [installed] = state.receipts() as [Receipt];
          const action = { kind: 'uninstall', mode: 'uninstall', receipt: installed, force } as const;
          const id = state.begin('run', action, '2030-01-01T00:00:00.000Z');
          const context = {
            ...machine,
            state,
            rootfs: {
              ...openRootFs(root),
              removeFile: () => {
                throw Object.assign(new Error('the disk says no'), { code: 'EIO' });
              },
            },
            claims: dpkgClaims(root),
            plugins: noPlugins,
            identity: { run: 'run', command: 'uninstall', admin: 'amy', force, debug: false },
            signal: new AbortController().signal,
            report: ({ text }: { text: string }) => warnings.push(text),
          } as unknown as ActingContext;
          const entry = { id, run: 'run', basename: 'tool', action, phase: 'planned', retries: 0 } as const;
          const ended = await carryOutUninstall(entry, context).then(
            () => 'removed',
            (error: Error) => error.message,
          );
          expect(ended).to.equal(force ? 'removed' : 'the disk says no');
          expect(state.receipts()).to.have.length(force ? 0 : 1);
          expect(state.journal()).to.have.length(force ? 0 : 1);
          expect(warnings.some((text) => text.includes('with force its record goes all the same'))).to.equal(force);
        } finally {
          state.close();
        }
      }
    });
  });
});

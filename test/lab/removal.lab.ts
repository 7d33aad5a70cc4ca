import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { dpkgClaims } from '../../src/platform/dpkg-claims.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

const APP = 'Applications/X.app';

/** What only root can put in the way of a removal, and the lists of a real dpkg. */
describe('a removal on a real machine', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let mounted: string[];
  beforeEach(async () => {
    mounted = [];
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    await sandbox.add('app', '1', { payload: { [`${APP}/Info.plist`]: 'i', 'opt/app/x': 'x' }, live: true });
    await machine.install(['app']);
  });
  afterEach(() => {
    for (const at of mounted.toReversed()) execFileSync('umount', ['-l', at]);
    sandbox.remove();
  });

  function mount(at: string, ...options: string[]): void {
    const place = path.join(machine.root, at);
    mkdirSync(place, { recursive: true });
    execFileSync('mount', [...options, place]);
    mounted.push(place);
  }

  async function uninstall(): Promise<string[]> {
    const said: string[] = [];
    const result = await machine.request(
      { kind: 'uninstall', targets: ['app'], force: false },
      { report: (event) => void (event.type === 'warning' && said.push(event.text)) },
    );
    expect(result.exit).to.equal(0);
    return said;
  }

  it('takes nothing of what is mounted in an app, of the same file system or another', async () => {
    const precious = sandbox.folder('precious', { file: 'p' });
    mount(`${APP}/bound`, '--bind', precious);
    mount(`${APP}/disk`, '-t', 'tmpfs', 'd3-test');
    writeFileSync(path.join(machine.root, APP, 'disk/file'), 'd');
    expect((await uninstall()).toSorted()).to.deep.equal([
      `/${APP}/bound was left alone: something is mounted there`,
      `/${APP}/disk was left alone: something is mounted there`,
    ]);
    expect(machine.tree().filter((line) => line.includes(' '))).to.deep.equal([
      `${APP}/bound/file p`,
      `${APP}/disk/file d`,
    ]);
  });

  it('leaves an app and a folder that something is mounted on', async () => {
    mount(APP, '-t', 'tmpfs', 'd3-test');
    writeFileSync(path.join(machine.root, APP, 'Info.plist'), 'theirs');
    mount('opt/app', '-t', 'tmpfs', 'd3-test');
    await uninstall();
    expect(existsSync(path.join(machine.root, 'opt/app'))).to.equal(true);
  });

  it('knows what a real dpkg has, by both names of a folder that was moved into /usr', async () => {
    const asked = { paths: new Set(['/usr/bin/dpkg', '/usr/bin/ls', '/usr/bin/nothing']), folders: [] };
    const claims = await dpkgClaims('/').claimed({ ...asked, keyOf: (at) => at }, []);
    expect(Object.fromEntries(claims)).to.deep.equal({
      '/usr/bin/dpkg': 'dpkg (dpkg)',
      '/usr/bin/ls': 'dpkg (coreutils)',
    });
  });
});

import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { installerAtWork, systemUpdate } from '../../src/platform/at-work.ts';

describe('what is at work on a system', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'd3-at-work-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const named = (...names: string[]) => [{ names, cut: null }];

  it('patchoo:DS-26 an update of the system is seen by what runs, and by what it leaves for the next start', () => {
    expect(systemUpdate(root, named('bash', 'dpkg'), 'linux')).to.equal(null);
    expect(systemUpdate(root, named('do-release-upgrade'), 'linux')).to.equal('do-release-upgrade is at work');
    expect(systemUpdate(root, [{ names: ['python3'], cut: 'unattended-upgr' }], 'linux')).to.equal(
      'unattended-upgrade is at work',
    );
    symlinkSync('/var/lib/system-update', path.join(root, 'system-update'));
    expect(systemUpdate(root, [], 'linux')).to.equal('/system-update is there');
    expect(systemUpdate(root, [], 'darwin')).to.equal(null);
    expect(systemUpdate(root, named('startosinstall'), 'darwin')).to.equal('startosinstall is at work');
    mkdirSync(path.join(root, 'macOS Install Data'));
    expect(systemUpdate(root, [], 'darwin')).to.equal('/macOS Install Data is there');
  });

  it('patchoo:DR-14 another installer is seen by its name, and by no part of one', () => {
    expect(installerAtWork(named('apt-get'), 'linux')).to.equal('apt-get is at work');
    expect(installerAtWork(named('installer'), 'darwin')).to.equal('installer is at work');
    expect(installerAtWork(named('apt-cacher', 'dpkg-log', 'rpm2cpio'), 'linux')).to.equal(null);
  });
});

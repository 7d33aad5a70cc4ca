import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { systemdUnits } from '../../src/client/service-units.ts';
import { BootedLinux } from './booted.ts';

const project = path.dirname(path.dirname(import.meta.dirname));

describe('depot3:G14 the schedule under a real systemd', function () {
  this.timeout(120_000);

  it('is laid down in units that systemd has nothing to say against', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-'));
    try {
      const units = Object.entries(systemdUnits({ program: '/usr/bin/true', every: 3600, machine: 'lab' }));
      const files = units.map(([name, text]) => {
        const file = path.join(folder, name);
        writeFileSync(file, text);
        return file;
      });
      const verified = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8' });
      const about = verified.stderr.split('\n').filter((line) => line.includes('d3-'));
      expect([verified.status, about]).to.deep.equal([0, []]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('syncs a booted machine by its timer and after waking up, says how it stands, and goes without a trace', async () => {
    const linux = await BootedLinux.boot();
    try {
      const d3 = (...args: string[]) => linux.run(path.join(project, 'bin/d3'), ...args);
      const admin = (...args: string[]) => linux.run(path.join(project, 'bin/d3admin'), ...args);
      const good = ({ status, output }: ReturnType<typeof d3>) => {
        expect(status, output).to.equal(0);
        return output;
      };
      good(d3('depot', 'init', '/srv/depot'));
      for (const version of ['1', '2']) {
        good(
          linux.run(
            'sh',
            '-c',
            `mkdir -p /srv/${version}/opt/tool && echo ${version} > /srv/${version}/opt/tool/version`,
          ),
        );
      }
      good(linux.run('sh', '-c', `echo '{"depot": "/srv/depot"}' > /etc/d3.json`));
      const live = (version: string) => {
        good(
          admin('add', 'tool', '-v', version, '-r', '1', '-s', `/srv/${version}`, '-g', 'standard', '--admin', 'sally'),
        );
        good(admin('live', `tool-${version}-1`, '--admin', 'sally', '--auto-confirm'));
      };
      live('1');

      good(d3('service', 'install', '--every', '1h'));
      expect(good(linux.run('systemctl', 'is-active', 'd3-sync.timer'))).to.equal('active\n');
      const units = ['d3-sync.timer', 'd3-sync-wake.service'];
      expect(good(linux.run('systemctl', 'is-enabled', ...units))).to.equal('enabled\nenabled\n');
      good(linux.run('systemctl', 'start', 'd3-sync.service'));
      expect(good(linux.run('cat', '/opt/tool/version'))).to.equal('1\n');

      live('2');
      good(linux.run('systemctl', 'start', 'd3-sync-wake.service'));
      expect(good(linux.run('cat', '/opt/tool/version'))).to.equal('2\n');

      const { result } = JSON.parse(good(d3('service', 'status', '--json')));
      expect(result).to.deep.include({ installed: true, active: true });
      expect(result.lastRun.exit).to.equal(0);
      good(d3('service', 'remove'));
      expect(linux.run('systemctl', 'is-active', 'd3-sync.timer').output).to.equal('inactive\n');
      expect(good(linux.run('sh', '-c', 'find /etc/systemd/system -name "d3-sync*"'))).to.equal('');
    } finally {
      linux.stop();
    }
    expect(execFileSync('sh', ['-c', 'ls -d /srv/depot /opt/tool 2>/dev/null; true'], { encoding: 'utf8' })).to.equal(
      '',
    );
  });
});

import { expect } from 'chai';
import { machinePaths } from '../../src/platform/paths.ts';

describe('the places of a machine', () => {
  it('all lie under its root', () => {
    for (const platform of ['linux', 'darwin'] as const) {
      const { root, ...places } = machinePaths('/mnt/a', platform);
      expect(root).to.equal('/mnt/a');
      const flat = (value: unknown): unknown[] =>
        value !== null && typeof value === 'object' ? Object.values(value).flatMap(flat) : [value];
      for (const place of flat(places)) expect(place).to.match(/^\/mnt\/a\/./);
    }
  });

  it('are where the system has such things', () => {
    expect(machinePaths('/', 'linux')).to.deep.equal({
      root: '/',
      config: ['/etc/d3.json', '/etc/d3.yaml', '/etc/d3.yml'],
      managedConfig: ['/etc/d3.managed.json', '/etc/d3.managed.d'],
      ancestorConfig: { d3: '/etc/d3.conf', server: ['/etc/ruby-jss.conf', '/etc/jss_gem.conf'] },
      log: '/var/log/d3.log',
      self: {
        versions: '/usr/local/lib/d3/versions',
        current: '/usr/local/lib/d3/current',
        link: '/usr/local/bin/d3',
      },
      launchDaemon: '/Library/LaunchDaemons/org.d3.sync.plist',
      resumeDaemon: '/Library/LaunchDaemons/org.d3.resume.plist',
      launchAgents: '/Library/LaunchAgents',
      systemdUnits: '/etc/systemd/system',
      autostart: '/etc/xdg/autostart',
      facts: null,
      state: '/var/lib/d3',
      stateDatabase: '/var/lib/d3/state.db',
      debugMarker: '/var/lib/d3/debug-on',
      identity: '/var/lib/d3/computer-id',
      runLock: '/var/lib/d3/run.lock',
      nestedLocks: [1, 2, 3, 4].map((level) => `/var/lib/d3/nested-${level}.lock`),
      depotKey: '/var/lib/d3/depot-key.json',
      owners: '/var/lib/d3/owners',
      trust: '/var/lib/d3/trust',
      scripts: '/var/lib/d3/scripts',
      work: '/var/lib/d3/work',
      plugins: '/var/lib/d3/plugin-files',
      packages: '/var/cache/d3/packages',
    });
    const mac = machinePaths('/', 'darwin');
    expect(mac.stateDatabase).to.equal('/Library/Application Support/d3/state.db');
    expect(mac.packages).to.equal('/Library/Caches/d3/packages');
    expect(mac.config[0]).to.equal('/etc/d3.json');
  });
});

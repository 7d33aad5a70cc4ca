/**
 * Where the system's own programs are: fixed places, never looked up in PATH, since d3 runs as root with anybody's. Handed to
 * whoever calls them, so that tests put programs in their place that answer as real ones were recorded to.
 */
export const MAC_PROGRAMS = {
  installer: '/usr/sbin/installer',
  pkgutil: '/usr/sbin/pkgutil',
  spctl: '/usr/sbin/spctl',
  hdiutil: '/usr/bin/hdiutil',
  productsign: '/usr/bin/productsign',
  launchctl: '/bin/launchctl',
  swVers: '/usr/bin/sw_vers',
  ioreg: '/usr/sbin/ioreg',
  scutil: '/usr/sbin/scutil',
  sysctl: '/usr/sbin/sysctl',
  ps: '/bin/ps',
  plutil: '/usr/bin/plutil',
  shutdown: '/sbin/shutdown',
  pmset: '/usr/bin/pmset',
  caffeinate: '/usr/bin/caffeinate',
  systemsetup: '/usr/sbin/systemsetup',
  sntp: '/usr/bin/sntp',
};

export type MacPrograms = Readonly<typeof MAC_PROGRAMS>;

export const LINUX_PROGRAMS = {
  dpkg: '/usr/bin/dpkg',
  dpkgQuery: '/usr/bin/dpkg-query',
  systemctl: '/usr/bin/systemctl',
  loginctl: '/usr/bin/loginctl',
  hostnamectl: '/usr/bin/hostnamectl',
  systemdInhibit: '/usr/bin/systemd-inhibit',
  tail: '/usr/bin/tail',
  timedatectl: '/usr/bin/timedatectl',
  chronyc: '/usr/bin/chronyc',
};

export type LinuxPrograms = Readonly<typeof LINUX_PROGRAMS>;

import type { Json } from '@d3/sdk';

/** Shell that says what a host is, a line for each thing; what it cannot find out it leaves out. */
export const GATHER = `LC_ALL=C; export LC_ALL
say() { [ -z "$2" ] || printf '%s=%s\\n' "$1" "$2"; }
say kernel "$(uname -s 2>/dev/null)"
say release "$(uname -r 2>/dev/null)"
say cpu "$(uname -m 2>/dev/null)"
say hostname "$(hostname 2>/dev/null || uname -n)"
say cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null)"
if [ -r /proc/meminfo ]; then say memory "$(sed -n 's/^MemTotal: *\\([0-9]*\\) kB$/\\1/p' /proc/meminfo)"; fi
if [ -r /etc/os-release ]; then ( . /etc/os-release; say os "$ID"; say osVersion "$VERSION_ID" ); fi
if command -v sw_vers >/dev/null 2>&1; then say os macos; say osVersion "$(sw_vers -productVersion)"; fi
for disk in /sys/block/*; do
  case $disk in */loop*|*/ram*|*/zram*|*/sr*|*/dm-*) continue;; esac
  [ -r "$disk/size" ] && say disk "\${disk##*/} $(cat "$disk/size")"
done
for nic in /sys/class/net/*; do
  case $nic in */lo) continue;; esac
  [ -r "$nic/address" ] && say nic "\${nic##*/} $(cat "$nic/address")"
done
exit 0
`;

const WORDS = ['kernel', 'release', 'cpu', 'hostname', 'os', 'osVersion'];
/** Disks and interfaces that are kept. */
const MOST = 100;
const LINE = /^([a-zA-Z]+)=([^\p{Cc}]{1,255})$/u;

/** What the lines of {@link GATHER} say; whatever else stands between them is none of it. */
export function factsOf(output: string): { [name: string]: Json } {
  const facts: { [name: string]: Json } = {};
  const disks: { name: string; bytes: number }[] = [];
  const nics: { name: string; mac: string }[] = [];
  for (const line of output.split('\n')) {
    const [, key = '', value = ''] = LINE.exec(line.trimEnd()) ?? [];
    const number = /^\d{1,15}$/.test(value) ? Number(value) : null;
    if (WORDS.includes(key)) facts[key] = value;
    else if (key === 'cpus' && number !== null) facts['cpus'] = number;
    else if (key === 'memory' && number !== null) facts['memoryBytes'] = number * 1024;
    else if (key === 'disk') {
      const [, name, sectors] = /^(\S{1,64}) (\d{1,15})$/.exec(value) ?? [];
      if (name !== undefined && Number(sectors) > 0) disks.push({ name, bytes: Number(sectors) * 512 });
    } else if (key === 'nic') {
      const [, name, mac] = /^(\S{1,64}) ([0-9a-f]{2}(?::[0-9a-f]{2}){5})$/.exec(value) ?? [];
      if (name !== undefined && mac !== undefined) nics.push({ name, mac });
    }
  }
  if (disks.length > 0) facts['disks'] = disks.slice(0, MOST);
  if (nics.length > 0) facts['nics'] = nics.slice(0, MOST);
  return facts;
}

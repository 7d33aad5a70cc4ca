/**
 * What packages of d3 do beside laying down their files, in sh. A package brings one folder of versions, as d3 does when it
 * installs itself (`src/client/self.ts`); its scripts go over to it in the same way: started first, one rename, two kept.
 */
export interface ScriptSource {
  /** Name of the folder of versions that the package brings. */
  version: string;
  /** The Node within that folder. */
  node: string;
  system: 'debian' | 'macos';
  /** Stands before every path; only tests have one. */
  root?: string;
}

export interface BeforeAndAfter {
  before: string;
  after: string;
}

const CONFIGURED = {
  debian: ['/etc/d3.json', '/etc/d3.yaml', '/etc/d3.yml', '/etc/d3.managed.json', '/etc/d3.managed.d'],
  macos: ['/etc/d3.json', '/etc/d3.yaml', '/etc/d3.yml', '/Library/Managed Preferences/org.d3.plist'],
};

/** Where nothing is running that could be told of a schedule, none is laid down. */
const RUNNING = { debian: '[ -d "$root/run/systemd/system" ]', macos: 'true' };
const STATE = { debian: '/var/lib/d3', macos: '/Library/Application Support/d3' };

/** dpkg calls its scripts for more than that, and a Mac may be told to install on another volume, on which nothing runs. */
const ONLY = {
  debian: {
    before: 'case $1 in install | upgrade) ;; *) exit 0 ;; esac',
    after: '[ "$1" = configure ] || exit 0',
  },
  macos: { before: '[ "$3" = / ] || exit 0', after: '[ "$3" = / ] || exit 0' },
};

function head({ root = '', version, node }: ScriptSource): string {
  return `#!/bin/sh
set -e
root='${root}'
version='${version}'
lib="$root/usr/local/lib/d3"
new="$lib/versions/$version"
# What is in force: versions/NAME, while it is replaced kept/NAME, or nothing.
current=$(readlink "$lib/current" 2>/dev/null || true)
case $current in
  */*/*) old= ;;
  versions/?* | kept/?*) old=\${current#*/} ;;
  *) old= ;;
esac

# As links where cp knows how to.
copy() {
  rm -rf "$2"
  cp -al "$1" "$2" 2>/dev/null || {
    rm -rf "$2"
    cp -a "$1" "$2"
  }
}

# By a rename, of the Node in that folder: mv would put it into the folder that the old link leads to.
point() {
  rm -f "$lib/current.new"
  ln -s "$1" "$lib/current.new"
  "$lib/$1/${node}" -e 'require("node:fs").renameSync(process.argv[1], process.argv[2])' "$lib/current.new" "$lib/current"
}
`;
}

/** Before the files are laid down, and after. */
export function installScripts(source: ScriptSource): BeforeAndAfter {
  const { system, node } = source;
  const configured = CONFIGURED[system].map((file) => `[ -e "$root${file}" ]`).join(' || ');
  const before = `${head(source)}
${ONLY[system].before}
# What is in force is kept, and stays so while the installer takes its files away.
case $current in
  kept/*) exit 0 ;;
esac
rm -rf "$lib/kept"
if [ -n "$old" ] && [ "$old" != "$version" ] && [ -x "$lib/versions/$old/${node}" ]; then
  mkdir -p "$lib/kept"
  copy "$lib/versions/$old" "$lib/kept/$old"
  point "kept/$old"
fi
`;
  const after = `${head(source)}
${ONLY[system].after}
if [ -n "$old" ] && [ -d "$lib/kept/$old" ] && [ ! -x "$lib/versions/$old/bin/d3" ]; then
  copy "$lib/kept/$old" "$lib/versions/$old"
fi
if ! "$new/bin/d3" --version >/dev/null; then
  case $current in
    kept/*) point "versions/$old" ;;
  esac
  rm -rf "$lib/kept"
  echo "d3 $version does not start here\${old:+; $old stays in force}" >&2
  exit 1
fi
point "versions/$version"
rm -rf "$lib/kept"
mkdir -p "$root/usr/local/bin"
for name in d3 d3admin; do
  usual="$root/usr/local/bin/$name"
  if [ ! -e "$usual" ] && [ ! -L "$usual" ]; then
    ln -s "../lib/d3/current/bin/$name" "$usual"
  elif [ "$(readlink "$usual" || true)" != "../lib/d3/current/bin/$name" ]; then
    echo "$usual is something else and stays; this d3 is $lib/current/bin/$name" >&2
  fi
done
if [ -n "$old" ] && [ "$old" != "$version" ]; then
  for folder in "$lib/versions"/*; do
    [ "$folder" = "$new" ] || [ "$folder" = "$lib/versions/$old" ] || rm -rf "$folder"
  done
fi

state="$root${STATE[system]}"
[ -d "$state" ] || { mkdir -p "$state" && chmod 755 "$state"; }
# The first d3 on a machine that is told of its depot syncs from now on; whatever was decided later stays decided.
if [ -z "$old" ] && { ${configured}; } && ${RUNNING[system]}; then
  "$lib/current/bin/d3" service install --no-input || echo 'the schedule is not laid down: d3 service install' >&2
fi
`;
  return { before, after };
}

/** What Debian's package does when it is taken away: the program goes, what d3 knows of the machine stays until it is purged. */
export function removeScripts(source: ScriptSource): BeforeAndAfter {
  const before = `${head(source)}
[ "$1" = remove ] || exit 0
if ${RUNNING.debian} && [ -x "$new/bin/d3" ]; then
  "$new/bin/d3" service remove --no-input || echo 'something of the schedule is left: systemctl list-timers' >&2
fi
`;
  const after = `${head(source)}
case $1 in
  remove | purge) ;;
  *) exit 0 ;;
esac
for name in d3 d3admin; do
  usual="$root/usr/local/bin/$name"
  [ "$(readlink "$usual" || true)" != "../lib/d3/current/bin/$name" ] || rm -f "$usual"
done
rm -rf "$lib"
[ "$1" = purge ] || exit 0
# The configuration was written by whoever manages the machine, and a depot is not this machine's own to lose.
if [ -n "$(find "$root/var/lib/d3" -name depot.db 2>/dev/null)" ]; then
  echo "$root/var/lib/d3 has a depot in it and stays" >&2
else
  rm -rf "$root/var/lib/d3"
fi
rm -rf "$root/var/cache/d3"
rm -f "$root/var/log/d3.log" "$root/var/log/d3.log".*
`;
  return { before, after };
}

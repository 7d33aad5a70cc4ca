import { D3Error, type PluginContext } from '@d3/sdk';
import type { SimulatedPath } from './simulated-paths.ts';

/**
 * A whole deployment for somebody who has none yet: a depot that is served on this host alone and machines in a folder that is gone
 * afterwards, the real commands, real runs, and restarts that are only said. What is printed is what anybody could type.
 */

/** One line of what happened: a command, or what it said. */
export type SimulatedLine = {
  kind: 'told' | 'command' | 'said';
  text: string;
};

/** What stands before a command, and before what is told, in the output of the script. */
const COMMAND = '$ ';
const TOLD = '# ';

/** Milliseconds. */
const LIMIT = 600_000;

/**
 * @param program the d3 that is shown
 * @throws D3Error failed when it did not come to its end: then d3 here has a fault
 */
export async function simulate(
  program: string,
  way: SimulatedPath,
  { exec, signal }: Pick<PluginContext, 'exec' | 'signal'>,
  onLine: (line: SimulatedLine) => void,
): Promise<SimulatedLine[]> {
  const lines: SimulatedLine[] = [];
  const { code } = await exec.run({
    content: Buffer.from(SCRIPT),
    name: 'simulate',
    args: [program, way],
    environment: { D3_FLAG_ADMIN: 'newcomer' },
    timeout: LIMIT,
    signal,
    onLine: (text) => {
      const line = lineOf(text);
      lines.push(line);
      onLine(line);
    },
  });
  if (code === 0) return lines;
  const last = lines.slice(-3).map(({ text }) => text);
  throw new D3Error('SIMULATION_FAILED', 'failed', `The simulated deployment ended early: ${last.join(' | ')}`, {
    target: program,
    actions: ['look at what came before, and report it with d3 doctor'],
  });
}

function lineOf(text: string): SimulatedLine {
  if (text.startsWith(COMMAND)) return { kind: 'command', text: text.slice(COMMAND.length) };
  if (text.startsWith(TOLD)) return { kind: 'told', text: text.slice(TOLD.length) };
  return { kind: 'said', text };
}

const SCRIPT = `#!/bin/sh
set -eu
D3=$1
cd "$TMPDIR"
export HOME="$TMPDIR/home" XDG_DATA_HOME="$TMPDIR/data" XDG_CONFIG_HOME="$TMPDIR/config" XDG_CACHE_HOME="$TMPDIR/cache"
mkdir home

told() { echo "# $*"; }
# One that has to end with a certain code. Of the run only what became of each step is shown, and how it stands then.
ends() {
  wanted=$1
  shift
  echo "$ d3 $*"
  code=0
  "$D3" "$@" > said 2> noted || code=$?
  test "$code" = "$wanted" || { cat noted said; echo "it ended with $code, not $wanted"; exit 1; }
  case "$1 $2 $code" in
  "provision run "* | "provision setup 0")
    sed -nE 's/^(deployment|updates) ([0-9/]*: .*: (done|failed|started).*|[0-9/]*: .* waits: .*)/\\2/p' noted
    head -n 1 said
    ;;
  *) cat noted said ;;
  esac
}
quiet() { "$D3" "$@" > "$TMPDIR/said" 2>&1 || { cat "$TMPDIR/said"; exit 1; }; }
said() { sed -n 's/.*"secret":"\\([^"]*\\)".*/\\1/p' "$TMPDIR/said"; }

# The depot, and the admin's own place.
depot() {
  export D3_DEPOT="$TMPDIR/depot" D3_FLAG_ADMIN=newcomer D3_ROOT="$TMPDIR"
  quiet depot init depot
  quiet admin department add art
  quiet admin department add science
  quiet admin ea add Build --type choice --choices studio,office
  printf '#!/bin/sh\\necho "$D3_POLICY was here, for a $D3_PROVISION_BUILD" >> "$1/done"\\n' > note
  for event in deploy deploy-studio deploy-office update; do
    quiet admin policy add "on-$event" --script ./note --events "$event"
  done
  quiet admin policy add for-art --script ./note --events deploy --departments art
  mkdir -p payload/opt/lamp
  echo 1 > payload/opt/lamp/version
  quiet admin add lamp -v 1 -s payload -g standard
  quiet admin live lamp-1-1 -a
  quiet admin token add newcomer --role admin --json
  export D3_CREDENTIALS="newcomer:$(said)"
  "$D3" depot serve depot --listen 127.0.0.1:0 > /dev/null 2> served &
  server=$!
  trap 'kill $server 2> /dev/null || true' EXIT
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    grep -q '"url"' served && break
    sleep 1
  done
  D3_DEPOT=$(sed -n 's/.*"url":"\\([^"]*\\)".*/\\1/p' served)
  test -n "$D3_DEPOT" || { cat served; exit 1; }
  unset D3_FLAG_ADMIN
}

# $1: its folder, $2: its serial number. It is new, enrolled, and restarts before and after it is deployed.
machine() {
  export D3_ROOT="$TMPDIR/$1"
  serial=$2
  boots=0
  mkdir "$D3_ROOT"
  starts
  quiet admin enrol code --once --json
  code=$(said)
  echo "$ d3 enroll $D3_DEPOT"
  D3_FLAG_CODE=$code quiet enroll "$D3_DEPOT"
  quiet config set provision.afterSetup always
  quiet config set provision.afterDeploy always
}
starts() {
  boots=$((boots + 1))
  echo '{"processes": [], "serial": "'"$serial"'", "boot": "'"$boots"'"}' > "$D3_ROOT/facts.json"
}
laid() { (cd "$D3_ROOT" && find . -name '*provision*.service' -o -name 'org.d3.provision*.plist' | sort); }

# What is answered on the screens. $1: build, $2: department, $3: name
answers() {
  printf '{"name": {"values": {"name": "%s"}}, "incomplete": {"button": "configure"},
    "build": {"values": {"value": "%s"}}, "department": {"values": {"value": "%s"}}}\\n' "$3" "$1" "$2" > answers
}
prompted() {
  answers studio art 'Studio 7'
  ends 0 provision prompt --answers answers
}
nobody() {
  ends 43 provision prompt
}
setup() {
  ends 0 provision setup "$@"
  told 'What goes on with it at every start of the machine, and its lock:'
  laid
}
restart_after_setup() {
  ends 42 provision run --no-wait
  told 'RESTART after setup. The screen is locked from the start on.'
  starts
}
holds() {
  ends 43 provision run --no-wait
  told 'An admin sees it wait, and says what it is, from their own place.'
  ends 0 provision hold list
  ends 0 provision assign "$serial" --build studio --department art
}
deploys() {
  ends 42 provision run --no-wait
  told 'RESTART after deployment. Then it is patched until nothing is pending, and released.'
  starts
  ends 0 provision run --no-wait
  told 'The lock and all else that was laid down is gone:'
  laid
  told 'What the policies did there:'
  cat "$D3_ROOT/done"
}
# No question, one restart, a hold, the rest.
unattended() {
  setup
  restart_after_setup
  holds
  deploys
}

depot
case $2 in
walk)
  told 'A new machine is enrolled. Somebody sits there, and is asked its name, build and department.'
  machine new-mac C02WALK
  prompted
  setup
  restart_after_setup
  deploys
  told 'Another one, where nobody is: it holds until an admin has said what it is.'
  machine other-mac C02HOLD
  unattended
  ;;
out-of-the-box | user)
  told 'Enrolled by its user, who is asked.'
  machine new-mac C02USER
  prompted
  setup
  restart_after_setup
  deploys
  ;;
admin)
  told 'Enrolled by an admin who sits there: no account of the machine may write, the admin is asked and writes as themselves.'
  machine new-mac C02ADMIN
  prompted
  setup
  restart_after_setup
  deploys
  ;;
setup-assistant | remote | imaging | network-scan | auto-advance)
  case $2 in
  setup-assistant) told 'Enrolled while Setup Assistant runs: there is no account yet, and nobody to ask.' ;;
  remote) told 'Enrolled from elsewhere, with nobody logged in.' ;;
  imaging) told 'Laid down with the image of its disk: it sets itself up at its first start.' ;;
  network-scan) told 'Found on the network, and enrolled from there.' ;;
  auto-advance) told 'Set up by itself; it stands at its login window, and nobody was ever there.' ;;
  esac
  machine new-mac C02AUTO
  nobody
  unattended
  ;;
prompt-off)
  told 'Nobody is asked where provision.prompt is never. This one was assigned before: it goes through.'
  machine new-mac C02OFF
  ends 0 config set provision.prompt never
  ends 30 provision prompt
  setup
  ends 42 provision run --no-wait
  ends 0 provision assign "$serial" --ahead --build office --department science
  told 'RESTART after setup. It tells the depot of itself for the first time, and has what was said ahead at its next look.'
  starts
  ends 43 provision run --no-wait
  deploys
  told 'Of this one nobody has said anything: it holds.'
  machine other-mac C02HOLD
  ends 0 config set provision.prompt never
  unattended
  ;;
re-deploy)
  told 'A machine is deployed.'
  machine new-mac C02AGAIN
  prompted
  setup
  restart_after_setup
  deploys
  told 'Its disk is erased, and it is enrolled again. Its record is still in the depot: nobody is asked, and it does not hold.'
  rm -rf new-mac
  machine new-mac C02AGAIN
  setup
  restart_after_setup
  deploys
  ;;
update-only)
  told 'A machine people work with, which is only to be patched: locked until it is, and nothing is deployed.'
  machine old-mac C02OLD
  ends 0 provision setup --mode update-only
  restart_after_setup
  ends 0 provision run --no-wait
  told 'What the policies did there:'
  cat "$D3_ROOT/done"
  ;;
migration)
  told 'A machine with its data that comes under this management: it is not locked, and not deployed.'
  machine old-mac C02MIGRATED
  ends 30 provision setup --enrolment existing
  laid
  ends 0 provision status
  told 'Unless somebody wants it.'
  ends 0 provision setup --enrolment existing --again
  laid
  ;;
renewal)
  told 'A machine is deployed.'
  machine new-mac C02RENEW
  prompted
  setup
  restart_after_setup
  deploys
  told 'Its management is renewed, and it enrols once more without having been erased: it is not deployed again.'
  ends 30 provision setup --enrolment renewal
  ends 30 provision setup
  laid
  ends 0 provision status
  ;;
power-cut)
  told 'A policy takes a while, and the power goes in the middle of it.'
  machine new-mac C02CUT
  printf '#!/bin/sh\\necho $$ > "$1/pid"\\necho "slow begins\${D3_RETRY:+ again}" >> "$1/done"\\nsleep 2\\necho "slow is over" >> "$1/done"\\n' > slow
  quiet admin policy add z-slow --script ./slow --events deploy
  prompted
  setup
  restart_after_setup
  echo '$ d3 provision run'
  "$D3" provision run --no-input > cut 2>&1 &
  runner=$!
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    grep -q 'slow begins' "$D3_ROOT/done" 2> /dev/null && break
    sleep 1
  done
  kill -9 $runner "$(cat "$D3_ROOT/pid")"
  wait $runner 2> /dev/null || true
  cat cut
  told 'POWER CUT. It goes on where it was: what was done is not done again.'
  starts
  deploys
  ;;
*)
  echo "there is no path $2"
  exit 1
  ;;
esac
`;

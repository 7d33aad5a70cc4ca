import { D3Error, type PluginContext } from '@d3/sdk';

/**
 * A whole deployment for somebody who has none yet: a depot and a machine in a folder that is gone afterwards, the real commands, real
 * runs, and restarts that are only said. What is printed is what anybody could type.
 */

/** One line of what happened: a command, or what it said. */
export interface SimulatedLine {
  kind: 'told' | 'command' | 'said';
  text: string;
}

/** What stands before a command, and before what is told, in the output of the script. */
const COMMAND = '$ ';
const TOLD = '# ';

/** Milliseconds. */
const LIMIT = 600_000;

/** @param program the d3 that is shown @throws D3Error failed when it did not come to its end: then d3 here has a fault */
export async function simulate(
  program: string,
  { exec, signal }: Pick<PluginContext, 'exec' | 'signal'>,
  onLine: (line: SimulatedLine) => void,
): Promise<SimulatedLine[]> {
  const lines: SimulatedLine[] = [];
  const { code } = await exec.run({
    content: Buffer.from(SCRIPT),
    name: 'simulate',
    args: [program],
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
export XDG_DATA_HOME="$TMPDIR/data" D3_DEPOT="$TMPDIR/depot" D3_ROOT="$TMPDIR/new-mac"

told() { echo "# $*"; }
# One that has to end with a certain code.
ends() {
  wanted=$1
  shift
  echo "$ d3 $*"
  code=0
  "$D3" "$@" 2>&1 || code=$?
  test "$code" = "$wanted" || { echo "it ended with $code, not $wanted"; exit 1; }
}
quiet() { "$D3" "$@" > "$TMPDIR/said" 2>&1 || { cat "$TMPDIR/said"; exit 1; }; }
starts() { echo '{"processes": [], "serial": "C02SIM", "boot": "'"$1"'"}' > "$D3_ROOT/facts.json"; }

told 'A depot with builds, departments, a package, and a policy for each event.'
quiet depot init depot
quiet admin department add art
quiet admin ea add Build --type choice --choices studio,office
printf '#!/bin/sh\\necho "$D3_POLICY was here, for a $D3_PROVISION_BUILD" >> "$1/done"\\n' > note
for event in deploy deploy-studio update; do quiet admin policy add "on-$event" --script ./note --events "$event"; done
mkdir -p payload/opt/lamp
echo 1 > payload/opt/lamp/version
quiet admin add lamp -v 1 -s payload -g standard
quiet admin live lamp-1-1 -a

told 'A new machine, set up to restart before and after it is deployed.'
mkdir new-mac
starts first
quiet config set provision.afterSetup always
quiet config set provision.afterDeploy always
ends 0 provision setup
ends 42 provision run --no-wait

told 'It restarts. Nobody has said what it is: it holds.'
starts second
ends 43 provision run --no-wait

told 'An admin sees it wait, and says what it is.'
ends 0 provision hold list
ends 0 provision assign C02SIM --build studio --department art

told 'It deploys, and restarts.'
ends 42 provision run --no-wait
told 'It is patched until nothing is pending, and released.'
starts third
ends 0 provision run --no-wait
told 'What the policies did there:'
cat "$D3_ROOT/done"
`;

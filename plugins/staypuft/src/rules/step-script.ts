import { withoutMark } from '../mark.ts';
import type { RoleStep } from '../types.ts';
import { shellWord } from './shell.ts';

/** Steps that are one script on the host. */
export type ScriptStep = Exclude<RoleStep, { wait: unknown } | { reboot: unknown } | { puppet: unknown }>;

/** What a script's exit codes mean besides 0, which is done. */
export interface Meaning {
  /** It is busy: try again later. */
  busy: readonly number[];
  /** Done, with something to say. */
  good: Readonly<Record<number, string>>;
}

/** d3's own exit codes. */
const D3: Meaning = { busy: [41], good: { 42: 'a restart is pending' } };
const PLAIN: Meaning = { busy: [], good: {} };

/** Finds d3 where it is installed on hosts, and runs it. */
const WITH_D3 = `PATH="$PATH:/usr/local/bin"; export PATH
if ! command -v d3 >/dev/null 2>&1; then echo 'there is no d3 on this host: install it first' >&2; exit 127; fi
`;

/**
 * The shell text of a step, and what its exit codes mean.
 * @param unique a word that stands in no text of the step
 */
export function scriptOf(step: ScriptStep, unique: string): { script: string; meaning: Meaning } {
  if ('sync' in step) return { script: `${WITH_D3}${withoutMark('d3 sync --no-input --wait 600')}`, meaning: D3 };
  if ('install' in step)
    return { script: `${WITH_D3}exec d3 install --no-input -- ${shellWord(step.install)}`, meaning: D3 };
  if ('policy' in step)
    return { script: `${WITH_D3}exec d3 policy --no-input -- ${shellWord(step.policy)}`, meaning: D3 };
  if ('script' in step) return { script: ownScript(step.script, unique), meaning: PLAIN };
  if ('assert' in step) return { script: step.assert, meaning: PLAIN };
  return { script: service(step.service, step.is), meaning: PLAIN };
}

/** A script of the admin's own, run by what its first line says; without such a line by sh. */
function ownScript(text: string, unique: string): string {
  if (!text.startsWith('#!')) return text;
  const end = `END_${unique}`;
  return `umask 077
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cat > "$folder/script" <<'${end}'
${text.endsWith('\n') ? text.slice(0, -1) : text}
${end}
chmod 700 "$folder/script" || exit 1
"$folder/script"
`;
}

function service(name: string, is: 'on' | 'off'): string {
  const [systemd, check, other] =
    is === 'on' ? ['enable --now', 'is-active --quiet', 'start'] : ['disable --now', 'is-active --quiet', 'stop'];
  const wanted = is === 'on' ? '' : '! ';
  return `name=${shellWord(name)}
if command -v systemctl >/dev/null 2>&1; then
  systemctl ${systemd} -- "$name" || exit $?
  ${wanted}systemctl ${check} -- "$name" || { echo "$name is not ${is}" >&2; exit 1; }
elif command -v launchctl >/dev/null 2>&1; then
  launchctl ${is === 'on' ? 'enable' : 'disable'} "system/$name" || exit $?
  ${is === 'on' ? 'launchctl kickstart "system/$name"' : 'launchctl kill TERM "system/$name" 2>/dev/null || :'}
else
  service "$name" ${other}
fi
`;
}

/** Shell that ends with 0 where something listens at a port of the host. */
export function listens(port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return `if [ -r /proc/net/tcp ]; then
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q ':${hex} [0-9A-F]*:0000 0A '
elif command -v nc >/dev/null 2>&1; then
  nc -z 127.0.0.1 ${port}
else
  exec 3<>/dev/tcp/127.0.0.1/${port}
fi
`;
}

/** Shell that has the host restart a moment later: the connection ends well before. */
export const RESTART = `if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
  systemctl reboot --no-block
elif command -v shutdown >/dev/null 2>&1; then
  shutdown -r now >/dev/null 2>&1
else
  reboot
fi
`;

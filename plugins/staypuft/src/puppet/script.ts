/** A run of Puppet on a host as a script in the words of POSIX alone, and what that prints for whoever sent it. Pure. */

import { shellWord } from '../rules/shell.ts';

/** Where agents are: packages of Puppet and OpenVox, those of Debian, others. */
const PROGRAMS = ['/opt/puppetlabs/bin/puppet', '/usr/bin/puppet', '/usr/local/bin/puppet'] as const;

/** What `puppet apply` is given: a text, or the absolute path of a manifest on the host. */
export type Manifest = { text: string } | { file: string };

export interface PuppetRunOptions {
  /** An environment in place of the one the host is in. */
  environment?: string;
  /** The manifest for `puppet apply`; without one the agent asks its server. */
  apply?: Manifest;
  /** Files of modules the manifest needs, by their paths below a folder of modules. Then it has no others. */
  modules?: Readonly<Record<string, string>>;
  /** Whether a run of the agent that is under way is ended first; else this one does not begin. */
  endsOther?: boolean;
  /** Absolute paths where an agent is looked for, in this order; where packages have it unless said. */
  programs?: readonly string[];
}

/** Characters of Base64 a report may have as it is sent. */
export const MOST_SENT = 2 * 1024 * 1024;

/**
 * The report of the run goes to a file of its own: nobody else writes there, so what is in it is what this very run did, whatever
 * other runs and clocks say. The host sends what counts of it, packed.
 * @param mark a word that nothing else prints
 */
export function puppetScript(mark: string, options: PuppetRunOptions = {}): string {
  const { apply, modules = {}, endsOther = false, programs = PROGRAMS } = options;
  const lines = [
    BEGIN,
    `say() { printf '${linePrefix(mark)}%s\\n' "$1"; }`,
    `for program in ${programs.map(shellWord).join(' ')}; do`,
    FIND,
    ...(apply === undefined ? [] : texts(mark, apply, modules)),
    `run() {
  rm -f "$work/report"
  "$puppet" ${command(options)} 2>&1
  code=$?
}
run`,
    ...(endsOther ? [END_OTHER] : []),
    SEND,
  ];
  return `${lines.join('\n')}\n`;
}

/** What the lines begin with that the script prints for us. */
export function linePrefix(mark: string): string {
  return `d3:${mark}:`;
}

const BEGIN = `LC_ALL=C LANG=C
PATH=/opt/puppetlabs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL LANG PATH
unset GEM_HOME GEM_PATH RUBYLIB RUBYOPT LANGUAGE
puppet=`;

const FIND = `  if [ -x "$program" ]; then puppet=$program; break; fi
done
[ -n "$puppet" ] || { say absent; exit 1; }
work=$(mktemp -d "\${TMPDIR:-/tmp}/d3-puppet.XXXXXXXXXX") || { say 'code 1'; exit 1; }
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM`;

/** Its lock names the run; what it names is looked at before it is ended. The lock itself is Puppet's matter. */
const END_OTHER = `lives() { kill -0 "$1" 2>/dev/null && ! ps -o stat= -p "$1" 2>/dev/null | grep -q '^Z'; }
end_other() {
  lock=$("$puppet" config print agent_catalog_run_lockfile --section agent 2>/dev/null) || return 1
  other=$(cat "$lock" 2>/dev/null)
  case $other in '' | *[!0-9]*) return 1 ;; esac
  { cat "/proc/$other/cmdline" 2>/dev/null | tr '\\0' ' ' || ps -o args= -p "$other"; } 2>/dev/null | grep -q puppet || return 1
  say "ended $other"
  kill -TERM "$other" 2>/dev/null
  n=0
  while lives "$other" && [ $n -lt 60 ]; do sleep 1; n=$((n + 1)); done
  lives "$other" && kill -KILL "$other" 2>/dev/null
  return 0
}
if [ $code = 1 ] && [ ! -s "$work/report" ] && end_other; then run; fi`;

/**
 * A report has an entry for every resource of the catalog, and most of them were as they should be. Kept are services, whatever they are,
 * and all that something was the matter with; and what Puppet logged but for its small talk.
 */
export const FILTER = `function flush() { if (kept) printf "%s", held; held = ""; kept = 1 }
/^[a-z_]+:/ { flush(); section = $1; held = $0 "\\n"; kept = section != "metrics:"; next }
section == "logs:" && /^- / { flush(); kept = !/^- level: (debug|info)$/ }
section == "resource_statuses:" && /^  [^ :]/ { flush(); kept = /^  (\\? )?["\\047]?(Service|Cron)\\[/ }
section == "resource_statuses:" && /^(    |  : )(failed|failed_to_restart|changed|out_of_sync|skipped): true$/ { kept = 1 }
section == "" { print; next }
{ held = held $0 "\\n" }
END { flush() }`;

const SEND = `if [ -s "$work/report" ]; then
  say report
  { awk '${FILTER}' "$work/report" > "$work/sent" 2>/dev/null && [ -s "$work/sent" ]; } || cp "$work/report" "$work/sent"
  gzip -9 < "$work/sent" | base64 | head -c ${MOST_SENT + 1}
  echo
fi
say "code $code $puppet"
exit $code`;

function command({ apply, modules, environment }: PuppetRunOptions): string {
  const given = environment === undefined ? '' : ` --environment ${shellWord(environment)}`;
  const common = `--detailed-exitcodes --no-usecacheonfailure --report --lastrunreport "$work/report" --color false --verbose${given}`;
  if (apply === undefined)
    return `agent --onetime --no-daemonize --no-splay --no-use_cached_catalog --waitforcert 0 ${common}`;
  const own = modules === undefined ? '' : ' --modulepath "$work/modules"';
  return `apply ${common}${own} ${'file' in apply ? shellWord(apply.file) : '"$work/manifest.pp"'}`;
}

/** Lays down what a manifest needs. */
function texts(mark: string, apply: Manifest, modules: Readonly<Record<string, string>>): string[] {
  const files: (readonly [string, string])[] = Object.entries(modules).map(
    ([name, text]) => [`modules/${name}`, text] as const,
  );
  if ('text' in apply) files.push(['manifest.pp', apply.text]);
  const end = `${linePrefix(mark)}end of text`;
  return files.map(([name, text]) => {
    const file = `"$work"/${shellWord(name)}`;
    return `mkdir -p "$(dirname ${file})"\ncat > ${file} <<'${end}'\n${text}\n${end}`;
  });
}

import { shellWord } from '../rules/shell.ts';
import { INNER, lineOf } from './frames.ts';

/**
 * What runs on a host, in the words of POSIX alone: dash, bash, busybox and the sh of macOS read it. Each text comes over stdin, one
 * line after the other, so that no argument and no list of processes shows anything of it.
 */

/** Bytes of output that are kept of one piece of work, in blocks of 512. */
const OUTPUT_BLOCKS = 16_384;
/** Bytes of its end that are kept of what goes beyond. */
export const LAST_BYTES = 65_536;
/** Seconds one connection follows work; then the next one does. */
export const FOLLOWED = 20;
const NAPS_PER_SECOND = 5;

/** An account that is not root works as root where it may without a password. */
const ELEVATE = `if [ "$(id -u)" != 0 ] && sudo -n true </dev/null >/dev/null 2>&1; then exec sudo -n /bin/sh -c ${shellWord(INNER)}; fi
${INNER}`;

/**
 * All that a host is sent.
 * @param driver its script @param more lines the driver reads @param input what it leaves to be read
 * @param elevates whether an account that may works as root
 */
export function sent(driver: string, more: readonly string[] = [], input = '', elevates = true): string {
  return `${[elevates ? ELEVATE : INNER, driver, ...more].map((text) => `${lineOf(text)}\n`).join('')}${input}`;
}

/** One short command. It reads what was sent after it. */
export function lookDriver(mark: string): string {
  return `IFS= read -r s || exit 3
printf '\\nd3:${mark}:begin\\n'
( eval "$(printf %b "$s")" ) 2>&1
printf '\\nd3:${mark}:end %s\\n' "$?"`;
}

/** Names of processes that work on a host began, and how they are ended. Kept with the work, for whoever ends it later. */
const RUNNER = `umask 077
what=$1 dir=$2 limit=$3
nap() { sleep 0.2 2>/dev/null || sleep 1; }
# Empty of one that has ended and only waits to be fetched by its parent: some fetch late, or never.
stamp() {
  if [ -r "/proc/$1/stat" ]; then sed -n 's/^.*) [^ZX] //p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 19
  else ps -o stat= -o lstart= -p "$1" 2>/dev/null | sed -n 's/^ *[^Z ][^ ]* *//p'; fi
}
alive() {
  read -r pid < "$dir/pid" 2>/dev/null || return 1
  [ "$(stamp "$pid")" = "$(cat "$dir/stamp" 2>/dev/null)" ] && kill -0 "$pid" 2>/dev/null
}
processes() {
  if [ -r /proc/self/stat ]; then
    # One with threads that go on is not over, whatever became of its first.
    cat /proc/[0-9]*/stat 2>/dev/null | awk '/^[0-9]+ \\(.*\\) [A-Za-z] / {
      pid = $1
      sub(/^.*\\) /, "")
      print pid, $2, $3, ($1 ~ /[ZX]/ && $18 < 2 ? "Z" : "-"), $4
    }'
  else ps -A -o pid= -o ppid= -o pgid= -o stat=; fi
}
victims() {
  # Whatever else the runner itself has begun is its own: it naps too, while others are ended.
  processes | awk -v r="$1" -v child="$(cat "$dir/child" 2>/dev/null)" -v keep="$(cat "$dir/reader" "$dir/watch" 2>/dev/null | tr '\\n' ' ') $2" '
    # What is over still says whose the others are.
    { parent[$1] = $2; group[$1] = $3; session[$1] = $5; if ($4 ~ /^Z/) over[$1] = 1 }
    END {
      n = split(keep, k, " ")
      for (i = 1; i <= n; i++) kept[k[i]] = 1
      do {
        more = 0
        for (p in parent) {
          q = parent[p]
          if (!(p in kept) && ((q in kept) || (child != "" && q == r && p != child))) { kept[p] = 1; more = 1 }
          if (!(p in mine) && p != r && (q == r || (q in mine) || session[p] == r || group[p] == r || (group[p] in mine))) { mine[p] = 1; more = 1 }
        }
      } while (more)
      for (p in mine) if (!(p in kept) && !(p in over)) print p
    }'
}
ending() {
  read -r pid < "$dir/pid" 2>/dev/null || return 0
  # Somebody else may have its number by now.
  [ -z "$(stamp "$pid")" ] || alive || return 0
  n=0
  while [ $n -lt 50 ]; do
    all=$(victims "$pid" "$$")
    [ -n "$all" ] || return 0
    # All stand still first: a shell among them would tell of its child's end, and nobody else's words belong into the output.
    if [ $n -eq 0 ]; then kill -STOP $all 2>/dev/null; kill -TERM $all 2>/dev/null
    elif [ $n -ge 25 ]; then kill -STOP $all 2>/dev/null; kill -KILL $all 2>/dev/null; fi
    [ $n -ge 25 ] || kill -CONT $all 2>/dev/null
    n=$((n + 1))
    nap
  done
}
case $what in
start)
  trap '' HUP
  cd /
  stamp $$ > "$dir/stamp"
  echo $$ > "$dir/pid.new"
  mv "$dir/pid.new" "$dir/pid"
  ( trap '' HUP TERM INT
    ( ulimit -c 0; ulimit -f ${OUTPUT_BLOCKS}; exec cat > "$dir/out" )
    tail -c ${LAST_BYTES} > "$dir/last"
    : > "$dir/read" ) < "$dir/pipe" 2>/dev/null &
  echo $! > "$dir/reader"
  ( trap - HUP; umask 022; exec /bin/sh "$dir/script" ) < /dev/null > "$dir/pipe" 2>&1 &
  child=$!
  echo $child > "$dir/child.new"
  mv "$dir/child.new" "$dir/child"
  /bin/sh "$dir/run" watch "$dir" "$limit" </dev/null >/dev/null 2>&1 &
  watch=$!
  echo $watch > "$dir/watch"
  wait "$child"
  code=$?
  kill -TERM "$watch" 2>/dev/null
  n=0
  while [ ! -e "$dir/read" ] && [ $n -lt 10 ]; do nap; n=$((n + 1)); done
  rm -f "$dir/script"
  # Whoever ends it is not done when the first of them is gone.
  n=0
  while { [ -e "$dir/timedout" ] || [ -e "$dir/ended" ]; } && [ ! -e "$dir/killed" ] && [ $n -lt 100 ]; do nap; n=$((n + 1)); done
  if [ -e "$dir/timedout" ]; then code='- timedout'; elif [ -e "$dir/ended" ]; then code=-; fi
  echo "$code" > "$dir/end.new"
  mv "$dir/end.new" "$dir/end"
  ;;
watch)
  sleep "$limit" &
  asleep=$!
  trap 'kill $asleep; exit 0' TERM
  wait $asleep
  trap '' TERM
  : > "$dir/timedout"
  ending
  : > "$dir/killed"
  ;;
kill)
  [ -e "$dir/end" ] && exit 0
  : > "$dir/ended"
  ending
  : > "$dir/killed"
  n=0
  while [ ! -e "$dir/end" ] && [ $n -lt 25 ] && alive; do nap; n=$((n + 1)); done
  if [ ! -e "$dir/end" ]; then
    read -r pid < "$dir/pid" && alive && kill -KILL "$pid"
    rm -f "$dir/script"
    echo - > "$dir/end.new" && mv "$dir/end.new" "$dir/end"
  fi
  ;;
running) alive ;;
esac`;

export interface StepsFolder {
  /** Absolute path; null: the host's own place for such. */
  base: string | null;
}

function checked(id: string): string {
  if (/^[a-z0-9-]{1,64}$/.test(id)) return id;
  throw new RangeError(`"${id}" is no id of work`);
}

/** The beginning of every driver that has to do with work: where it is kept, and that nobody else can reach it. */
function prelude(mark: string, id: string, { base }: StepsFolder): string {
  const place =
    base === null
      ? 'if [ "$me" = 0 ] && [ -d /run ] && [ -w /run ]; then base=/run/d3-steps; else base=/var/tmp/d3-steps-$me; fi'
      : `base=${shellWord(base)}`;
  return `umask 077
me=$(id -u)
${place}
dir=$base/${checked(id)}
say() { printf '\\nd3:${mark}:%s\\n' "$1"; }
nap() { sleep 0.2 2>/dev/null || sleep 1; }
boot() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.bootsessionuuid 2>/dev/null || echo none; }
ours() {
  set -- $(ls -ldn "$1" 2>/dev/null)
  case "\${1-} \${3-}" in drwx------*" $me") return 0 ;; esac
  return 1
}
say begin
mkdir -m 700 "$base" 2>/dev/null
ours "$base" || { say "unsafe $base"; exit 0; }
state() {
  [ -d "$dir" ] || { echo none; return; }
  n=0
  while [ ! -e "$dir/pid" ] && [ $n -lt 25 ]; do nap; n=$((n + 1)); done
  if [ ! -e "$dir/pid" ] || [ "$(cat "$dir/boot")" != "$(boot)" ]; then echo none
  elif [ -e "$dir/end" ]; then echo ended
  elif /bin/sh "$dir/run" running "$dir"; then echo running
  elif [ -e "$dir/end" ]; then echo ended
  else echo cut; fi
}
gone() { mv "$dir" "$base/.gone-$$" && rm -rf "$base/.gone-$$"; }
finish() {
  if [ -e "$dir/end" ]; then say "end $(cat "$dir/end")"; else say 'end -'; fi
}`;
}

/** Begins work, unless it was begun, and follows what it says. @param offset bytes of it that are known */
export function workDriver(
  mark: string,
  id: string,
  options: StepsFolder & { timeout: number; offset: number; begins: boolean; followed?: number },
): string {
  const { timeout, offset, begins, followed = FOLLOWED } = options;
  const seconds = Math.max(1, Math.ceil(timeout));
  const begin = `IFS= read -r runner && IFS= read -r s || exit 3
trap '' PIPE HUP
if [ "$(state)" = none ]; then
  [ ! -e "$dir" ] || gone
  if mkdir "$dir" 2>/dev/null; then
    boot > "$dir/boot"
    mkfifo "$dir/pipe"
    printf %b "$runner" > "$dir/run"
    printf %b "$s" > "$dir/script"
    : > "$dir/out"
    if command -v setsid >/dev/null 2>&1; then
      setsid /bin/sh "$dir/run" start "$dir" ${seconds} </dev/null >/dev/null 2>&1 &
    elif command -v perl >/dev/null 2>&1; then
      perl -MPOSIX -e 'POSIX::setsid(); exec @ARGV' /bin/sh "$dir/run" start "$dir" ${seconds} </dev/null >/dev/null 2>&1 &
    else
      nohup /bin/sh "$dir/run" start "$dir" ${seconds} </dev/null >/dev/null 2>&1 &
    fi
  fi
fi
trap - PIPE`;
  return `${prelude(mark, id, options)}
${begins ? begin : ''}
at=${Math.trunc(offset)}
naps=0
state=$(state)
[ "$state" != none ] || { say none; exit 0; }
while :; do
  [ ! -e "$dir/end" ] || state=ended
  size=$(wc -c < "$dir/out")
  size=$((size + 0))
  if [ $size -gt $at ]; then
    tail -c +$((at + 1)) "$dir/out" | head -c $((size - at)) || exit 0
    at=$size
  fi
  if [ $state != running ]; then
    [ ! -s "$dir/last" ] || cat "$dir/last"
    finish
    exit 0
  fi
  [ $naps -lt ${followed * NAPS_PER_SECOND} ] || { say "later $at"; exit 0; }
  naps=$((naps + 1))
  nap
  [ $((naps % 10)) -gt 0 ] || state=$(state)
done`;
}

/** The lines a {@link workDriver} that begins reads. */
export function workLines(script: string, environment: Readonly<Record<string, string>>): string[] {
  const exports = Object.entries(environment).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new RangeError(`"${name}" is no name of a variable`);
    return `export ${name}=${shellWord(value)}\n`;
  });
  return [RUNNER, `${exports.join('')}${script}\n`];
}

export function findDriver(mark: string, id: string, options: StepsFolder): string {
  return `${prelude(mark, id, options)}
state=$(state)
case $state in
  none | running) say $state ;;
  *)
    if [ -s "$dir/last" ]; then cat "$dir/last"; else tail -c ${LAST_BYTES} "$dir/out"; fi
    finish
    ;;
esac`;
}

export function endDriver(mark: string, ids: readonly string[], options: StepsFolder): string {
  return `${ids
    .map(
      (id, at) => `${at === 0 ? prelude(mark, id, options) : `dir=$base/${checked(id)}`}
trap '' PIPE HUP
case $(state) in running | cut) /bin/sh "$dir/run" kill "$dir" ;; esac`,
    )
    .join('\n')}
say done`;
}

export function forgetDriver(mark: string, id: string, options: StepsFolder): string {
  return `${prelude(mark, id, options)}
case $(state) in
  running) say running ;;
  *)
    [ ! -e "$dir" ] || gone
    say done
    ;;
esac`;
}

export const BOOT_ID = 'cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.bootsessionuuid';

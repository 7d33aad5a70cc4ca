import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Runs of the real Puppet, as `test/recorded/README.md` says they were recorded. */
export const RECORDED = path.join(import.meta.dirname, '../recorded');

/** What a recorded run wrote as its report; null: it wrote none. */
export function recorded(name: string): string {
  return readFileSync(path.join(RECORDED, `${name}.yaml`), 'utf8');
}

export function recordedCode(name: string): number {
  return Number(readFileSync(path.join(RECORDED, `${name}.code`), 'utf8'));
}

/**
 * A program that does as Puppet did when it was recorded: prints what that printed, writes its report where it is told to, ends as it did.
 * The next run of each call is the next of `runs`, the last one for ever; `?` before a name: it waits until the file `go` is there.
 */
export class StandInPuppet {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'd3-stand-in-puppet-'));
  readonly program = path.join(this.folder, 'puppet');

  constructor(runs: readonly string[]) {
    this.will(runs);
    writeFileSync(
      this.program,
      `#!/bin/sh
cd '${this.folder}' || exit 99
printf '%s\\n' "$*" >> calls
n=$(($(cat at 2>/dev/null || echo 0) + 1))
last=$(wc -l < runs)
[ "$n" -le "$last" ] || n=$last
echo "$n" > at
name=$(sed -n "$n"p runs)
case $name in '?'*) name=\${name#?}; touch begun; while [ ! -e go ]; do sleep 0.05; done ;; esac
report=
while [ $# -gt 0 ]; do
  case $1 in --lastrunreport) report=$2 ;; *.pp) cp "$1" manifest 2>/dev/null ;; --modulepath) cp -r "$2" modules ;; esac
  shift
done
cat '${RECORDED}'/"$name.txt"
if [ -e '${RECORDED}'/"$name.yaml" ]; then
  if [ -e same ]; then cat '${RECORDED}'/"$name.yaml" > "$report"
  else sed "s/^transaction_uuid: .*/transaction_uuid: $(cat /proc/sys/kernel/random/uuid)/" '${RECORDED}'/"$name.yaml" > "$report"; fi
fi
exit "$(cat '${RECORDED}'/"$name.code")"
`,
      { mode: 0o755 },
    );
  }

  /** What its runs are from now on. */
  will(runs: readonly string[]): void {
    writeFileSync(path.join(this.folder, 'runs'), runs.map((name) => `${name}\n`).join(''));
    rmSync(path.join(this.folder, 'at'), { force: true });
  }

  /** Its words, run by run. */
  get calls(): string[] {
    return this.read('calls').split('\n').slice(0, -1);
  }

  read(name: string): string {
    return readFileSync(path.join(this.folder, name), 'utf8');
  }

  write(name: string): void {
    writeFileSync(path.join(this.folder, name), '');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

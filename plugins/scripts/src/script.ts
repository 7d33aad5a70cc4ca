import type { ActionPayload, ExecResult, PinnedScript, PluginContext } from '@d3/sdk';

/** How a script's run reads. `unreadable`: it gave no exit code, which never counts as success. */
export type ScriptEnd = { kind: 'exited'; code: number } | { kind: 'unreadable'; why: string };

/** Minutes a script may take. */
const LIMIT = 30;
/** Parameters `$4` to `$11`, which Casper scripts may ask for and d3 has no values for. */
const PARAMETERS = Array<string>(8).fill('');

/**
 * Runs a script as Casper scripts are run: `$1` the mount point, `$2` the computer's name, `$3` the user.
 * What it prints goes to the log.
 */
export async function runScript(
  script: PinnedScript,
  { machine, environment }: ActionPayload,
  context: PluginContext,
): Promise<ScriptEnd> {
  const { depot, exec, ui, signal } = context;
  const content = await depot.blob(script.sha256);
  let ended: ExecResult;
  try {
    ended = await exec.run({
      content,
      name: script.name,
      args: [machine.root, machine.name, machine.user ?? '', ...PARAMETERS],
      environment,
      timeout: LIMIT * 60_000,
      signal,
      onLine: (text) => ui({ type: 'detail', target: script.name, text }),
    });
  } catch (error) {
    return { kind: 'unreadable', why: `${script.name} cannot be started: ${whyNot(error, content)}` };
  }
  const { code, signal: killer, timedOut } = ended;
  if (timedOut) return { kind: 'unreadable', why: `${script.name} did not end within ${LIMIT} minutes` };
  if (code === null) return { kind: 'unreadable', why: `${script.name} was ended by ${killer ?? 'a signal'}` };
  return { kind: 'exited', code };
}

/** The system names the script where it means the program that was to read it. */
function whyNot(error: unknown, content: Uint8Array): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const [first = ''] = Buffer.from(content.subarray(0, 200)).toString('latin1').split('\n');
  if (code !== 'ENOENT' || !first.startsWith('#!')) return message;
  return `there is no ${JSON.stringify(first.slice(2).trimStart())} here to run it`;
}

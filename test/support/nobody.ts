import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Request } from '../../src/planner/types.ts';

/** A user without rights; its number is the same everywhere. */
const NOBODY = 65_534;

const SCRIPT = `
  import { StateReader } from './src/client/state/state.ts';
  import { machineOf, requestOf } from './test/support/machine.ts';
  const [root, depot, request] = process.argv.slice(1);
  const machine = machineOf(root, depot);
  const state = StateReader.open(machine.paths);
  const receipts = state.receipts().map(({ edition }) => edition);
  state.close();
  const error = await requestOf(machine, JSON.parse(request)).then(
    () => null,
    (thrown) => ({ code: thrown.code, exit: thrown.exitCode, message: thrown.exitCode === undefined ? thrown.stack : undefined }),
  );
  process.stdout.write(JSON.stringify({ receipts, error }));
`;

/** Reads a machine's receipts and then asks for a change, as another user. Only root can. */
export async function asNobody(
  root: string,
  depot: string,
  request: Request,
): Promise<{ receipts: string[]; error: { code: string; exit: number } | null }> {
  const args = ['--conditions=d3-source', '--input-type=module-typescript', '--eval', SCRIPT];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, root, depot, JSON.stringify(request)], {
    uid: NOBODY,
    gid: NOBODY,
  });
  return JSON.parse(stdout);
}

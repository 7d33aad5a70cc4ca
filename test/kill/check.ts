import path from 'node:path';
import { expect } from 'chai';
import type { Request } from '../../src/planner/types.ts';
import type { SandboxMachine } from '../support/sandbox.ts';

/** Asks nothing of a machine: a run that only takes up what was cut. */
export const NOTHING: Request = { kind: 'thaw', targets: ['nothing-of-the-kind'] };

/**
 * Holds a machine that was cut to what every cut must come to, whatever was asked: what is on record can be read at once; the next
 * run leaves a true record (or says what is not finished); the same request and a sync bring it to where it would have come.
 * Files that a script took as removed are nobody's in both.
 * @param whole the machine on which the same request went through, synced twice after it
 */
export async function holdsAfterCut(cut: SandboxMachine, request: Request, whole: SandboxMachine): Promise<void> {
  const name = path.relative(path.dirname(path.dirname(cut.root)), cut.root);
  expect(cut.receipts(), name).to.be.an('array');
  const taken = await cut.request(NOTHING);
  const expected = whole.lies().filter((lie) => lie.endsWith('nobody owns it'));
  const lies = () => cut.lies().filter((lie) => !expected.includes(lie));
  const open = taken.outcomes.filter(({ status }) => status === 'interrupted').length;
  if (open === 0) expect(lies(), name).to.deep.equal([]);
  await cut.request(request);
  await settled(cut);
  expect(lies(), name).to.deep.equal([]);
  expect(cut.leavings(), name).to.deep.equal(whole.leavings());
  expect(cut.tree(), name).to.deep.equal(whole.tree());
  expect(editionsOf(cut), name).to.deep.equal(editionsOf(whole));
}

/** Syncs until nothing is left to do. */
export async function settled(machine: SandboxMachine): Promise<void> {
  await machine.sync();
  await machine.sync();
}

function editionsOf(machine: SandboxMachine): string[] {
  return machine.receipts().map(({ edition, piloting, frozen }) => `${edition} ${piloting} ${frozen !== null}`);
}

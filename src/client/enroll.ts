import { D3Error, type Reporter } from '@d3/sdk';
import type { Enrolled, EnrolmentRequest } from '../depot/index.ts';
import type { Clock } from '../platform/clock.ts';
import { gatherMachineFacts } from '../platform/machine.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { removeFile } from '../platform/replace-file.ts';
import { changeSetting } from './configuration.ts';
import { askedKey, keepAsked, keepEnrolled } from './depot-key.ts';
import { joinOrLock } from './lock.ts';
import { openOrRebuild } from './state/rebuild.ts';

export interface EnrollRequest {
  /** Address of the depot. */
  depot: string;
  code: string;
  /** Seconds to wait for another run to end. */
  wait: number;
}

/** What it works with; handed in. */
export interface EnrollParts {
  paths: MachinePaths;
  clock: Clock;
  signal: AbortSignal;
  report: Reporter;
  /** Asks the depot. */
  ask: (request: EnrolmentRequest) => Promise<Enrolled>;
  /** Makes a key of this machine's own. */
  newKey: () => string;
  hashOf: (key: string) => string;
}

export interface EnrolledHere {
  depot: string;
  /** Id this machine goes by in the depot. */
  computer: string;
  /** The id it had before, when the depot knew it by another; null when it keeps its own. */
  before: string | null;
}

/**
 * Makes this machine one of a served depot's. The key is made here and only its hash is sent; it is kept before anything
 * is asked, so that a cut, or an answer that is lost, is mended by repeating the command.
 * @throws D3Error holding (43) while an admin has to decide
 */
export async function enroll({ depot, code, wait }: EnrollRequest, parts: EnrollParts): Promise<EnrolledHere> {
  const { paths, clock, signal, report, ask, newKey, hashOf } = parts;
  const onWait = () => report({ type: 'note', target: null, text: 'another d3 run is changing this machine: waiting' });
  const lock = await joinOrLock({ paths, parent: null, command: 'enroll', wait, clock, signal, onWait });
  try {
    const { state } = openOrRebuild(paths, clock.now());
    try {
      const own = state.computerId() as string;
      const asked = askedKey(paths);
      const key = asked !== null && asked.depot === depot ? asked.key : newKey();
      keepAsked(paths, { depot, key });
      const { name, serial, hardwareUuid, macs } = await gatherMachineFacts(paths.root, paths.facts);
      const computer = { id: own, name, claims: { serial, hardwareUuid, macs: [...macs] } };
      const enrolled = await ask({ code, keyHash: hashOf(key), computer }).catch((error) => {
        // That key was refused for good; the next request is another's.
        if (error instanceof D3Error && error.code === 'ENROLMENT_REFUSED') removeFile(`${paths.depotKey}.asked`);
        throw error;
      });
      if (enrolled.computer === null) throw waits(enrolled.enrolment, depot);
      state.becomeComputer(enrolled.computer, paths);
      keepEnrolled(paths, { depot, key });
      removeFile(`${paths.depotKey}.asked`);
      await changeSetting('depot', depot, paths);
      return { depot, computer: enrolled.computer, before: enrolled.computer === own ? null : own };
    } finally {
      state.close();
    }
  } finally {
    lock.release();
  }
}

function waits(enrolment: number, depot: string): D3Error {
  return new D3Error(
    'ENROLMENT_PENDING',
    'holding',
    `The depot knows this machine already: an admin has to let it in (enrolment ${enrolment}).`,
    {
      target: depot,
      actions: [
        `an admin of the depot: d3admin enrol approve ${enrolment}`,
        'then repeat this command, with the same code',
        'or come with a one-time code: d3admin enrol code --once',
      ],
    },
  );
}

import type { Reporter } from '@d3/sdk';
import { D3Error } from '@d3/sdk';
import { type EnrolledHere, enroll } from '../client/enroll.ts';
import { loadSettings } from '../config/layers.ts';
import { depotUrl, newSecret, requestEnrolment, secretHash } from '../depot/index.ts';
import { systemClock } from '../platform/clock.ts';
import { refuseInTheClear } from './depot-location.ts';
import type { Inputs } from './inputs.ts';
import { pathsWithin } from './root-bounds.ts';

interface EnrollInput {
  inputs: Pick<Inputs, 'root'>;
  report: Reporter;
  signal: AbortSignal;
}

/** @param wait seconds to wait for another run to end */
export async function enrollHere(
  url: string,
  code: string,
  wait: number,
  { inputs, report, signal }: EnrollInput,
): Promise<EnrolledHere> {
  const depot = depotUrl(url);
  if (depot === null) {
    throw new D3Error('DEPOT_NOT_SERVED', 'usage', 'Machines enrol at depots that are served over the network.', {
      target: url,
      actions: [
        'give its address, as https://depot.example.org',
        'a depot in a folder needs no enrolment: d3 config set depot FOLDER',
      ],
    });
  }
  refuseInTheClear(depot, 'A code is');
  if (!/^d3c_[A-Za-z0-9_-]{43}$/.test(code)) {
    throw new D3Error('CODE_MALFORMED', 'usage', 'That is no code to enrol with.', {
      target: '--code',
      actions: ['give all of it, as d3admin enrol code showed it'],
    });
  }
  const paths = pathsWithin(inputs);
  const { httpCa: ca } = await loadSettings(paths);
  return enroll(
    { depot: depot.href, code, wait },
    {
      paths,
      clock: systemClock,
      signal,
      report,
      ask: (request) => requestEnrolment({ url: depot, ca, signal }, request),
      newKey: () => newSecret('key'),
      hashOf: secretHash,
    },
  );
}

import { COMPUTER_ID } from '../report-path.ts';
import type { Enrolled, EnrolmentRequest } from '../store/contract.ts';
import { Api, type RemoteOptions } from './api.ts';

/**
 * Asks a served depot to take a machine in. The same request may be repeated: it gets the same answer, or the one that was
 * decided meanwhile.
 * @throws D3Error notAuthorised when the code is none, or the machine was refused; depotUnreachable
 */
export async function requestEnrolment(
  options: Omit<RemoteOptions, 'token' | 'work'>,
  request: EnrolmentRequest,
): Promise<Enrolled> {
  const api = new Api({ ...options, token: null, work: '' });
  try {
    const enrolled = await api.send<Partial<Enrolled> | null>('POST', 'enrol', { json: request });
    if (isEnrolled(enrolled)) return enrolled;
    throw api.foreign(200);
  } finally {
    api.close();
  }
}

/** Anything on the way may answer; what it says becomes who this machine is. */
function isEnrolled(said: Partial<Enrolled> | null): said is Enrolled {
  if (typeof said !== 'object' || said === null || !Number.isSafeInteger(said.enrolment)) return false;
  const { state, computer } = said;
  if (state === 'pending') return computer === null;
  return state === 'enrolled' && typeof computer === 'string' && COMPUTER_ID.test(computer);
}

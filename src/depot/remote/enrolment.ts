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
    return await api.send<Enrolled>('POST', 'enrol', { json: request });
  } finally {
    api.close();
  }
}

import { D3Error } from '@d3/sdk';

/** What a command that needs a depot ends with where none is named. */
export function noDepot(): D3Error {
  return new D3Error('NO_DEPOT', 'usage', 'No depot is known.', {
    actions: ['name it with --depot DIR, or D3_DEPOT=DIR, or "depot" in etc/d3.json under the root'],
  });
}

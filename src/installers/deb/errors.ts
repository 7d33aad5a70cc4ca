import { D3Error } from '@d3/sdk';

/** A .deb that is not what it should be. @param target the file or edition it is about */
export function damaged(target: string, why: string): D3Error {
  return new D3Error('DEB_DAMAGED', 'verificationFailed', `This is no sound Debian package: ${why}.`, {
    target,
    actions: ['get the package from its maker again'],
  });
}

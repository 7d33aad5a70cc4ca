import type { TypedAttributes } from '../catalog/attributes.ts';

type Value = string | undefined;

/** The attribute flags of add and edit, as they come from the command line. */
export interface AttributeFlagValues {
  version?: Value;
  revision?: Value;
  'package-name'?: Value;
  filename?: Value;
  category?: Value;
  description?: Value;
  oses?: Value;
  'cpu-type'?: Value;
  reboot?: Value;
  removable?: Value;
  'remove-first'?: Value;
  'prohibiting-processes'?: Value;
  'auto-groups'?: Value;
  'excluded-groups'?: Value;
  'pre-install'?: Value;
  'post-install'?: Value;
  'pre-remove'?: Value;
  'post-remove'?: Value;
  expiration?: Value;
  'expiration-paths'?: Value;
  'firm-expiration'?: Value;
  'package-scripts'?: Value;
  setuid?: Value;
}

export function typedAttributes(flags: AttributeFlagValues): TypedAttributes {
  return {
    version: flags.version,
    revision: flags.revision,
    packageName: flags['package-name'],
    filename: flags.filename,
    category: flags.category,
    description: flags.description,
    oses: flags.oses,
    cpu: flags['cpu-type'],
    reboot: flags.reboot,
    removable: flags.removable,
    removeFirst: flags['remove-first'],
    prohibitingProcesses: flags['prohibiting-processes'],
    autoGroups: flags['auto-groups'],
    excludedGroups: flags['excluded-groups'],
    preInstall: flags['pre-install'],
    postInstall: flags['post-install'],
    preRemove: flags['pre-remove'],
    postRemove: flags['post-remove'],
    expiration: flags.expiration,
    expirationPaths: flags['expiration-paths'],
    firmExpiration: flags['firm-expiration'],
    packageScripts: flags['package-scripts'],
    setuid: flags.setuid,
  };
}

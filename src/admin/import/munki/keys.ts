/** Every key of a pkginfo, and what it is to d3. */

interface NoCounterpart {
  why: string;
  todo: string;
}

/** Keys that are read, or whose matter d3 has by itself. */
export const KNOWN_KEYS: ReadonlySet<string> = new Set([
  '_metadata',
  'RestartAction',
  'blocking_applications',
  'catalogs',
  'category',
  'description',
  'developer',
  'display_name',
  'forced_install',
  'forced_uninstall',
  'icon_hash',
  'icon_name',
  'installable_condition',
  'installcheck_script',
  'installed_size',
  'installer_item_hash',
  'installer_item_location',
  'installer_item_size',
  'installer_type',
  'installs',
  'items_to_copy',
  'maximum_os_version',
  'minimum_munki_version',
  'minimum_os_version',
  'name',
  'notes',
  'package_path',
  'postinstall_script',
  'postuninstall_script',
  'preinstall_script',
  'preuninstall_script',
  'receipts',
  'requires',
  'supported_architectures',
  'unattended_install',
  'unattended_uninstall',
  'uninstall_method',
  'uninstall_script',
  'uninstallable',
  'uninstallcheck_script',
  'unused_software_removal_info',
  'update_for',
  'version',
]);

const ALERTS: NoCounterpart = {
  why: 'd3 asks nobody before it installs; only what needs a restart waits for a yes',
  todo: 'a text that everybody is to see: the settings of puppytime; a question of its own: a pre-install script',
};

/** Keys that have no counterpart. */
const GAPS: Readonly<Record<string, NoCounterpart>> = {
  OnDemand: {
    why: 'an edition is installed once, and its receipt says so',
    todo: 'a policy with a script step and frequency ongoing runs as often as somebody wants it',
  },
  PackageCompleteURL: {
    why: 'a depot has its packages itself',
    todo: 'fetch the package into the repository, or add it by hand',
  },
  PackageURL: { why: 'a depot has its packages itself', todo: 'fetch the package into the repository' },
  allow_untrusted: {
    why: 'what is trusted is the depot’s signature; Apple’s installer is not told to let an untrusted one pass',
    todo: 'build the package again without the expired signature, and add that',
  },
  apple_item: { why: 'd3 has nothing to do with updates of Apple’s', todo: 'leave them to the management' },
  autoremove: {
    why: 'leaving a group takes nothing off a Mac',
    todo: 'an expiration removes what nobody uses; a policy with an uninstall step removes it from a group',
  },
  blocking_applications_manual_quit_only: {
    why: 'whether processes are asked to end is one setting for all packages',
    todo: 'see the setting processes.quit',
  },
  blocking_applications_quit_script: {
    why: 'a process that is in the way is waited for, or asked to end by a signal',
    todo: 'end it in the pre-install script instead of naming it as prohibiting',
  },
  copy_local: { why: 'Adobe’s installers of that kind are gone', todo: 'nothing' },
  force_install_after_date: {
    why: 'd3 has no day for each package: it installs with the next sync',
    todo: 'what waits for a restart has the setting puppytime.deadlineDays',
  },
  installer_choices_xml: {
    why: 'the package is installed with the choices it comes with',
    todo: 'build a package of what you choose (d3 pkg extract, d3 pkg build), and add that in its place',
  },
  installer_environment: {
    why: 'Apple’s installer gets no variables from d3',
    todo: 'a pre-install script can put what the package needs into a file',
  },
  licensed_seat_info_available: {
    why: 'd3 does not count licences',
    todo: 'd3admin report BASENAME counts where it is installed',
  },
  localized_strings: { why: 'an edition has one name and one description', todo: 'nothing' },
  minimum_update_version: {
    why: 'd3 goes from any edition to the live one',
    todo: 'a pre-install script can refuse what is too old',
  },
  precache: { why: 'd3 fetches a package when it installs it', todo: 'a mirror near the Macs: d3 depot mirror add' },
  preinstall_alert: ALERTS,
  preuninstall_alert: ALERTS,
  preupgrade_alert: ALERTS,
  suppress_bundle_relocation: {
    why: 'outside a Mac’s own root d3 never relocates; on it Apple’s installer does as the package says',
    todo: 'build the package without relocation where that matters',
  },
  uninstaller_item_location: {
    why: 'd3 removes what it installed by the manifest of its receipt, with no package for it',
    todo: 'if it has to do more: d3admin edit EDITION -E SCRIPT',
  },
  version_script: {
    why: 'd3 knows what is installed by its receipts',
    todo: 'an extension attribute can tell a version that something else installed',
  },
};

/** Why a key has no counterpart, and what to do. */
export function gapOf(key: string): NoCounterpart {
  const known = Object.hasOwn(GAPS, key) ? GAPS[key] : undefined;
  return known ?? { why: 'd3 does not know this key', todo: 'look at what it is for, and whether you still need it' };
}

/** Kinds of installers that are no packages d3 could take. */
const TYPES: Readonly<Record<string, NoCounterpart>> = {
  profile: { why: 'only the management can install a profile', todo: 'put it into your MDM' },
  configuration_profile: { why: 'only the management can install a profile', todo: 'put it into your MDM' },
  startosinstall: { why: 'd3 does not install macOS', todo: 'declarative updates of the management' },
  stage_os_installer: { why: 'd3 does not install macOS', todo: 'declarative updates of the management' },
  apple_update_metadata: { why: 'd3 has nothing to do with updates of Apple’s', todo: 'leave them to the management' },
  appdmg: {
    why: 'nothing says what of the disk image is to be copied, and where to',
    todo: 'make it copy_from_dmg with items_to_copy, and import on a Mac',
  },
};

/** Why an item whose installer is of that kind is not taken in; null: it can be. @param type as Munki has it; empty: a package */
export function typeGap(type: string): NoCounterpart | null {
  if (['', 'pkg', 'nopkg', 'copy_from_dmg'].includes(type)) return null;
  const known = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  return known ?? { why: `d3 has no installer of the kind ${type}`, todo: 'make a flat package of it, and add that' };
}

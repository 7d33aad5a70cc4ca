import type { RestartAction } from '../restart.ts';
import { escapeXml } from '../xml.ts';

export interface PackageInfoSource {
  identifier: string;
  version: string;
  installLocation: string;
  restart: RestartAction;
  /** Null for a package without one. */
  payload: { numberOfFiles: number; installKBytes: number } | null;
  /** Names of scripts at the top of the scripts archive. */
  scripts: readonly string[];
}

// Apple's pkgbuild writes these lists even when they are empty.
const EMPTY_LISTS = ['bundle-version', 'upgrade-bundle', 'update-bundle', 'atomic-update-bundle', 'strict-identifier'];

/** The PackageInfo document of a component package. Throws a RangeError for texts XML cannot hold. */
export function packageInfoDocument(source: PackageInfoSource): string {
  const { payload } = source;
  const attributes = [
    'overwrite-permissions="true"',
    'relocatable="false"',
    `identifier="${escapeXml(source.identifier)}"`,
    `postinstall-action="${source.restart}"`,
    `version="${escapeXml(source.version)}"`,
    'format-version="2"',
    `install-location="${escapeXml(source.installLocation)}"`,
    'auth="root"',
  ];
  const scripts = source.scripts.map((name) => `        <${name} file="./${name}"/>`);
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    `<pkg-info ${attributes.join(' ')}>`,
    ...(payload === null
      ? []
      : [`    <payload numberOfFiles="${payload.numberOfFiles}" installKBytes="${payload.installKBytes}"/>`]),
    ...EMPTY_LISTS.map((name) => `    <${name}/>`),
    '    <relocate/>',
    ...(scripts.length === 0 ? [] : ['    <scripts>', ...scripts, '    </scripts>']),
    '</pkg-info>',
    '',
  ].join('\n');
}

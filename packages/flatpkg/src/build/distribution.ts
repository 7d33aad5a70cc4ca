import { usage } from '../errors.ts';
import type { RestartAction } from '../restart.ts';
import { escapeXml } from '../xml.ts';

/** What a product archive says beyond its component. */
export interface ProductSource {
  /** What the person at the installer reads. */
  title: string;
  /** The oldest macOS it may be installed on, as `13.5`; left out: any. */
  minimumSystemVersion?: string;
  /** Processors it may be installed on, as `arm64`, `x86_64`; left out: any. */
  architectures?: readonly string[];
}

export interface ProductComponent {
  /** Its folder in the archive. */
  folder: string;
  identifier: string;
  version: string;
  restart: RestartAction;
  installKBytes: number;
}

const CONCLUSIONS: Readonly<Record<RestartAction, string>> = {
  none: 'none',
  logout: 'RequireLogout',
  restart: 'RequireRestart',
  shutdown: 'RequireShutdown',
};

/**
 * The Distribution of a product archive with one component, which is always installed, on the running system's volume only.
 * Throws FlatpkgError `usage`, or a RangeError for texts XML cannot hold.
 */
export function distributionDocument(product: ProductSource, component: ProductComponent): string {
  const { title, minimumSystemVersion: minimum, architectures = [] } = product;
  if (minimum !== undefined && !/^\d+(?:\.\d+){0,2}$/.test(minimum))
    throw usage('BUILD_SYSTEM', `"${minimum}" is no version of macOS`);
  const wrong = architectures.find((name) => !/^\w+$/.test(name));
  if (wrong !== undefined) throw usage('BUILD_ARCHITECTURE', `"${wrong}" is no processor`);
  const [id, version] = [escapeXml(component.identifier), escapeXml(component.version)];
  const hosts = architectures.length === 0 ? '' : ` hostArchitectures="${architectures.join(',')}"`;
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<installer-gui-script minSpecVersion="2">',
    `    <title>${escapeXml(title)}</title>`,
    `    <product id="${id}" version="${version}"/>`,
    `    <options customize="never" require-scripts="false" rootVolumeOnly="true"${hosts}/>`,
    ...(minimum === undefined
      ? []
      : [
          '    <volume-check>',
          `        <allowed-os-versions><os-version min="${minimum}"/></allowed-os-versions>`,
          '    </volume-check>',
        ]),
    '    <choices-outline>',
    '        <line choice="default"/>',
    '    </choices-outline>',
    `    <choice id="default" title="${escapeXml(title)}">`,
    `        <pkg-ref id="${id}"/>`,
    '    </choice>',
    `    <pkg-ref id="${id}" version="${version}" onConclusion="${CONCLUSIONS[component.restart]}" ` +
      `installKBytes="${component.installKBytes}">#${encodeURIComponent(component.folder)}</pkg-ref>`,
    '</installer-gui-script>',
    '',
  ].join('\n');
}

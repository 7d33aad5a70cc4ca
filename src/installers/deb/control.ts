import { damaged } from './errors.ts';
import { parseRelations } from './relations.ts';
import { isVersion } from './version.ts';

/** What a Debian package says of itself. */
export interface Control {
  name: string;
  version: string;
  /** `all`, or what Debian calls a processor: `amd64`, `arm64`, … */
  architecture: string;
  /** Pre-Depends and Depends together, as written; empty: it needs nobody. */
  depends: string;
  /** Conflicts and Breaks together. */
  conflicts: string;
  replaces: string;
  /** Kilobytes, as it declares them; 0 when it does not. */
  installedKb: number;
}

const FIELD = /^([!-9;-~]+):[ \t]*(.*)$/;
const MOST_FIELD_BYTES = 64 * 1024;

/**
 * Reads a package's control file by deb-control(5).
 * @param target names the file in errors
 * @throws D3Error verificationFailed (33)
 */
export function readControl(bytes: Buffer, target: string): Control {
  const fields = fieldsOf(bytes.toString('utf8'), target);
  const field = (name: string) => fields.get(name.toLowerCase()) ?? '';
  const [name, version, architecture] = [field('Package'), field('Version'), field('Architecture')];
  if (!/^[a-z0-9][a-z0-9+.-]+$/.test(name))
    throw damaged(target, `its control file names no package ("${shown(name)}")`);
  if (!isVersion(version)) throw damaged(target, `"${shown(version)}" is no version`);
  if (!/^[a-z0-9][a-z0-9-]*$/.test(architecture)) throw damaged(target, `"${shown(architecture)}" is no architecture`);
  const relations = (...names: string[]) => {
    const text = names
      .map(field)
      .filter((part) => part !== '')
      .join(', ');
    if (parseRelations(text) === null) throw damaged(target, `its ${names.join(' or ')} cannot be read`);
    return text;
  };
  const size = /^\d{1,12}$/.exec(field('Installed-Size'))?.[0] ?? '0';
  return {
    name,
    version,
    architecture,
    depends: relations('Pre-Depends', 'Depends'),
    conflicts: relations('Conflicts', 'Breaks'),
    replaces: relations('Replaces'),
    installedKb: Number(size),
  };
}

/** The one paragraph of the file, by lower-case name; a line that begins with a blank goes on with the field before. */
function fieldsOf(text: string, target: string): Map<string, string> {
  const fields = new Map<string, string>();
  let current = '';
  for (const line of text.replace(/\n+$/, '').split('\n')) {
    if (/^[ \t]/.test(line) && current !== '') {
      fields.set(current, `${fields.get(current) as string} ${line.trim()}`.trim());
      continue;
    }
    const match = FIELD.exec(line);
    if (match === null) throw damaged(target, `its control file has the line "${shown(line)}"`);
    current = (match[1] as string).toLowerCase();
    if (fields.has(current)) throw damaged(target, `its control file has two fields ${shown(match[1] as string)}`);
    fields.set(current, (match[2] as string).trim());
  }
  for (const [name, value] of fields) {
    if (name !== 'description' && value.length > MOST_FIELD_BYTES) throw damaged(target, `${shown(name)} is too long`);
  }
  return fields;
}

function shown(text: string): string {
  return text.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, '?');
}

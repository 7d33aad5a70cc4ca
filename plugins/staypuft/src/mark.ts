import type { HostileFile } from '@d3/sdk';

/** On a host that is being deployed, this file holds its own sync back. */
const MARK_FOLDER = '/var/lib/d3-deployment';
export const MARK = `${MARK_FOLDER}/mark.json`;
/** Where the mark is while the deployment itself has the host sync. */
const ASIDE = `${MARK_FOLDER}/mark.aside`;
export const MARK_SCHEMA = 'd3/deployment-mark@1';
export const MARK_BYTES = 4096;

export interface Mark {
  deployment: string;
  /** ISO 8601, UTC: from then on it holds nothing back. */
  until: string;
}

/** The file as it is put there. */
export interface MarkFile extends Mark {
  schema: typeof MARK_SCHEMA;
  /** Id of the deployment's run. */
  run: string;
}

/**
 * The mark in a file, as long as it holds.
 * @param owner who may have put it there besides root: who runs d3
 * @returns null for one that is over, that others could have made, or that is none
 */
export function markOf(file: HostileFile | null, now: Date, owner: number): Mark | null {
  if (file === null || (file.uid !== 0 && file.uid !== owner) || (file.mode & 0o022) !== 0) return null;
  try {
    const said: unknown = JSON.parse(file.bytes.toString('utf8'));
    if (typeof said !== 'object' || said === null) return null;
    const { schema, deployment, until } = said as Record<string, unknown>;
    if (schema !== MARK_SCHEMA || typeof deployment !== 'string' || typeof until !== 'string') return null;
    return Date.parse(until) > now.getTime() ? { deployment, until } : null;
  } catch {
    return null;
  }
}

/** Shell that puts the mark down, from its text on stdin: whole or not at all. */
export const MARK_ON = `set -eu
umask 022
mkdir -p ${MARK_FOLDER}
cat > ${MARK}.new
mv -f ${MARK}.new ${MARK}
rm -f ${ASIDE}
`;

/** Shell that takes it away. */
export const MARK_OFF = `set -eu
rm -f ${MARK} ${MARK}.new ${ASIDE}
rmdir ${MARK_FOLDER} 2>/dev/null || :
`;

/** Shell that does something while the mark is set aside. */
export function withoutMark(command: string): string {
  return `back() { if [ -f ${ASIDE} ] && [ ! -e ${MARK} ]; then mv -f ${ASIDE} ${MARK}; fi; }
trap back EXIT
if [ -f ${MARK} ]; then mv -f ${MARK} ${ASIDE}; fi
${command}
`;
}

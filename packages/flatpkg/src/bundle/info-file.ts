import type { Container } from '../container.ts';
import type { Limits } from '../limits.ts';
import { decodeUtf8 } from '../names.ts';

/** What the oldest bundles say in `Resources/LANGUAGE.lproj/NAME.info`; null for what is not there. */
export interface InfoFile {
  version: string | null;
  defaultLocation: string | null;
  requiresReboot: boolean;
}

/** Reads the English one of a bundle's .info files, else the first; null when there is none. Throws FlatpkgError. */
export async function readInfoFile(archive: Container, contents: string, limits: Limits): Promise<InfoFile | null> {
  const prefix = `${contents}/Resources/`;
  const found = archive.members.filter(({ path, type }) => {
    return (
      type === 'file' && path.startsWith(prefix) && /^[^/]+\.lproj\/(?!\._)[^/]+\.info$/.test(path.slice(prefix.length))
    );
  });
  const member = found.find(({ path }) => /\/(English|en)\.lproj\//.test(path)) ?? found[0];
  if (member === undefined) return null;
  const bytes = await archive.read(member, limits.metadataBytes);
  const text = decodeUtf8(bytes) ?? bytes.toString('latin1');
  const valueOf = (key: string) => new RegExp(`^${key}[ \\t]+(\\S[^\\r\\n]*)`, 'm').exec(text)?.[1]?.trim() ?? null;
  return {
    version: valueOf('Version'),
    defaultLocation: valueOf('DefaultLocation'),
    requiresReboot: valueOf('RequiresReboot')?.toUpperCase() === 'YES',
  };
}

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type WrittenPlist, writePlist } from '@d3/flatpkg';
import type { MunkiItem } from '../../src/admin/import/munki/item.ts';
import { readItem } from '../../src/admin/import/munki/item.ts';

/** Repositories of Munki's for tests, made as its own tools make them. */
export class MunkiRepository {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
    for (const folder of ['catalogs', 'manifests', 'pkgs', 'pkgsinfo'])
      mkdirSync(path.join(dir, folder), { recursive: true });
  }

  /** Writes a file below the repository. */
  write(file: string, content: string | Buffer): void {
    const at = path.join(this.dir, file);
    mkdirSync(path.dirname(at), { recursive: true });
    writeFileSync(at, content);
  }

  link(file: string, to: string): void {
    symlinkSync(to, path.join(this.dir, file));
  }

  /** An item with a package that is copied into the repository. */
  item(name: string, version: string, source: string, more: Record<string, WrittenPlist> = {}): void {
    const content = readFileSync(source);
    const location = `apps/${name}-${version}.pkg`;
    this.write(`pkgs/${location}`, content);
    this.pkginfo(name, version, {
      installer_item_location: location,
      installer_item_hash: createHash('sha256').update(content).digest('hex'),
      installer_item_size: Math.floor(content.length / 1024),
      ...more,
    });
  }

  /** Without a package, unless `more` names one. */
  pkginfo(
    name: string,
    version: string,
    more: Record<string, WrittenPlist> = {},
    file = `${name}-${version}.plist`,
  ): void {
    this.write(`pkgsinfo/apps/${file}`, writePlist(pkginfoOf(name, version, more)));
  }

  manifest(name: string, said: Record<string, WrittenPlist>): void {
    this.write(`manifests/${name}`, writePlist({ catalogs: ['production'], ...said }));
  }
}

/** What makepkginfo writes, more or less. */
function pkginfoOf(
  name: string,
  version: string,
  more: Record<string, WrittenPlist> = {},
): Record<string, WrittenPlist> {
  return {
    _metadata: { created_by: 'sally', munki_version: '7.0.0' },
    catalogs: ['production'],
    name,
    version,
    minimum_os_version: '13.0',
    unattended_install: true,
    uninstallable: true,
    uninstall_method: 'removepackages',
    ...more,
  };
}

/** An item as it is read. */
export function munkiItem(name: string, version: string, more: Record<string, WrittenPlist> = {}): MunkiItem {
  const said = pkginfoOf(name, version, {
    installer_item_location: `${name}-${version}.pkg`,
    installer_item_hash: 'a'.repeat(64),
    ...more,
  });
  return readItem(said as never, `pkgsinfo/${name}-${version}.plist`);
}

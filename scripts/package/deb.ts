import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { writeAr } from './ar.ts';
import { bytesOf, type Entry, textEntry } from './entries.ts';
import { gzipped, gzipTo } from './gzip.ts';
import { tar } from './tar.ts';

export interface DebSource {
  name: string;
  version: string;
  architecture: string;
  /** As Debian writes relations; empty: it needs nobody. */
  depends: string;
  maintainer: string;
  /** One line, and then what may be said in more. */
  description: readonly [line: string, ...more: string[]];
  /** Maintainer scripts by name. */
  scripts: Readonly<Record<string, string>>;
  entries: readonly Entry[];
  /** Since 1970; the time of everything in it. */
  seconds: number;
}

/** Writes a Debian package: the same source gives the same bytes. */
export async function writeDeb(file: string, source: DebSource): Promise<void> {
  const { scripts, entries, seconds } = source;
  const control: Entry[] = [
    textEntry('control', controlOf(source)),
    textEntry('md5sums', md5sums(entries)),
    ...Object.entries(scripts).map(([name, text]) => textEntry(name, text, 0o755)),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  const data = `${file}.data`;
  try {
    await gzipTo(data, tar([ROOT, ...entries], seconds, './'));
    const members = [
      { name: 'debian-binary', content: Buffer.from('2.0\n') },
      { name: 'control.tar.gz', content: gzipped(Buffer.concat([...tar([ROOT, ...control], seconds, './')])) },
      { name: 'data.tar.gz', content: data },
    ];
    writeAr(file, members, seconds);
  } finally {
    rmSync(data, { force: true });
  }
}

const ROOT: Entry = { type: 'dir', path: '', mode: 0o755 };

function controlOf(source: DebSource): string {
  const { name, version, architecture, depends, maintainer, description, entries } = source;
  const kilobytes = entries.reduce((sum, entry) => sum + (entry.type === 'file' ? Math.ceil(entry.size / 1024) : 1), 0);
  const [line, ...more] = description;
  return [
    `Package: ${name}`,
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${kilobytes}`,
    ...(depends === '' ? [] : [`Depends: ${depends}`]),
    'Section: admin',
    'Priority: optional',
    `Description: ${line}`,
    ...more.map((text) => ` ${text}`),
    '',
  ].join('\n');
}

function md5sums(entries: readonly Entry[]): string {
  return entries
    .flatMap((entry) =>
      entry.type === 'file' ? [`${createHash('md5').update(bytesOf(entry)).digest('hex')}  ${entry.path}\n`] : [],
    )
    .join('');
}

/** As Debian orders versions, `1.0~rc.1` comes before `1.0`; npm writes `1.0-rc.1`. */
export function debianVersion(version: string): string {
  return version.replace('-', '~');
}

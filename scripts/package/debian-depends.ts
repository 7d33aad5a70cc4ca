import type { Needs } from './elf.ts';

/** Which of Debian's packages has a library. */
const PACKAGES: Readonly<Record<string, string>> = {
  'libc.so.6': 'libc6',
  'libdl.so.2': 'libc6',
  'libm.so.6': 'libc6',
  'libpthread.so.0': 'libc6',
  'librt.so.1': 'libc6',
  'ld-linux-x86-64.so.2': 'libc6',
  'ld-linux-aarch64.so.1': 'libc6',
  'libgcc_s.so.1': 'libgcc-s1',
  'libstdc++.so.6': 'libstdc++6',
  'libatomic.so.1': 'libatomic1',
};

/** The libstdc++6 that versions of its symbols came with, by their last number: the first is in every one that is still about. */
const LIBSTDCXX: Readonly<Record<string, { first: number; came: readonly string[] }>> = {
  'GLIBCXX_3.4.': {
    first: 21,
    came: ['5.2', '6', '7', '7', '8', '9', '9.2', '9.3', '11', '12', '13', '13.2', '14'],
  },
  'CXXABI_1.3.': { first: 9, came: ['5.1', '6', '7', '9', '11', '13', '14'] },
};

/**
 * What a package with these programs depends on, as its control file says it.
 * @throws Error for a library, or a version of one, that nobody here has heard of
 */
export function debianDepends(programs: readonly Needs[]): string {
  const packages = new Set(
    programs.flatMap(({ libraries }) =>
      libraries.map((library) => {
        const name = PACKAGES[library];
        if (name === undefined)
          throw new Error(`no package is known that has ${library}: debian-depends.ts has a list`);
        return name;
      }),
    ),
  );
  const used = programs.flatMap(({ versions }) => [...versions.values()].flat());
  const least: Readonly<Record<string, string>> = {
    libc6: newest(endsOf('GLIBC_', used), '2.17'),
    'libstdc++6': newest(
      Object.keys(LIBSTDCXX).flatMap((prefix) => libstdcxx(prefix, used)),
      '5.1',
    ),
  };
  return [...packages]
    .sort()
    .map((name) => (least[name] === undefined ? name : `${name} (>= ${least[name]})`))
    .join(', ');
}

function libstdcxx(prefix: string, used: readonly string[]): string[] {
  const { first, came } = LIBSTDCXX[prefix] as (typeof LIBSTDCXX)[string];
  return endsOf(prefix, used).flatMap((end) => {
    if (Number(end) < first) return [];
    const version = came[Number(end) - first];
    if (version === undefined)
      throw new Error(`no libstdc++6 is known to have ${prefix}${end}: debian-depends.ts has a list`);
    return version;
  });
}

/** What follows the prefix in those that are numbers from there on. */
function endsOf(prefix: string, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const end = name.slice(prefix.length);
    return name.startsWith(prefix) && /^[\d.]+$/.test(end) ? [end] : [];
  });
}

function newest(versions: readonly string[], least: string): string {
  return versions.reduce((best, one) => (one.localeCompare(best, 'en', { numeric: true }) > 0 ? one : best), least);
}

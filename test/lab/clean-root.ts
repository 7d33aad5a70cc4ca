import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

interface Ended {
  status: number | null;
  output: string;
}

const ENV = { PATH: '/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin', HOME: '/root', LANG: 'C' };
/** In its own mounts and processes, so that nothing of it is left. */
const APART = 'mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" && exec "$@"';

/** A Debian with nothing in it but busybox and some libraries, and dpkg's records of these. */
export class CleanRoot {
  readonly root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-clean-')));

  /**
   * @param programs whose libraries are there
   * @param packages of which dpkg says that they are installed, in the versions this machine has
   */
  constructor(programs: readonly string[], packages: readonly string[]) {
    for (const folder of ['dev', 'proc', 'etc', 'root', 'tmp', 'srv', 'var/lib/dpkg/info', 'var/lib/dpkg/updates'])
      mkdirSync(this.at(folder), { recursive: true });
    for (const folder of ['bin', 'sbin', 'lib', 'lib64']) {
      mkdirSync(this.at(`usr/${folder}`), { recursive: true });
      symlinkSync(`usr/${folder}`, this.at(folder));
    }
    this.#copy('/bin/busybox', '/usr/bin/busybox');
    for (const applet of execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n'))
      if (applet !== 'busybox') symlinkSync('busybox', this.at(`usr/bin/${applet}`));
    for (const program of programs)
      for (const [library] of execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/\/\S+(?= \()/g))
        this.#copy(library, library);
    writeFileSync(this.at('etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    writeFileSync(this.at('etc/group'), 'root:x:0:\n');
    const form =
      'Package: ${Package}\nStatus: install ok installed\nMaintainer: x <x@x>\nArchitecture: ${Architecture}\nMulti-Arch: same\nVersion: ${Version}\nDescription: x\n\n';
    writeFileSync(this.at('var/lib/dpkg/status'), execFileSync('dpkg-query', ['-W', '-f', form, ...packages]));
  }

  at(name: string): string {
    return path.join(this.root, name);
  }

  #copy(from: string, to: string): void {
    mkdirSync(path.dirname(this.at(to)), { recursive: true });
    copyFileSync(realpathSync(from), this.at(to));
  }

  /** Runs a program there, as root. */
  run(...words: string[]): Ended {
    return this.#apart('chroot', this.root, ...words);
  }

  /** Has this machine's dpkg work there; what packages run, runs there. */
  dpkg(...words: string[]): Ended {
    return this.#apart('dpkg', `--root=${this.root}`, '--log=/dev/null', ...words);
  }

  #apart(...words: string[]): Ended {
    const all = ['--mount', '--pid', '--fork', 'sh', '-c', APART, this.root, ...words];
    const { status, stdout, stderr } = spawnSync('unshare', all, { env: ENV, encoding: 'utf8', timeout: 120_000 });
    return { status, output: `${stdout}${stderr}` };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

import { existsSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { DebianPackage } from '../../catalog/types.ts';
import { makeFolder } from '../../platform/make-folder.ts';
import type { ProgramAnswer } from '../../platform/program.ts';
import { replaceFile } from '../../platform/replace-file.ts';
import { endedBadly, INSTALLER_TIMEOUT, type InstallerParts, QUESTION_TIMEOUT } from '../parts.ts';
import { type InstalledPackage, parseRelations } from './relations.ts';

/** dpkg as d3 uses it on one root. */
export interface Dpkg {
  /** Every package it has on record, whatever became of it. */
  packages(): Promise<InstalledPackage[]>;
  /** The architectures it installs: its own, and those added to it. */
  architectures(): Promise<string[]>;
  install(file: string, target: string, onLine: (line: string) => void): Promise<void>;
  remove(pkg: PackageName, target: string): Promise<void>;
  /** Goes on with whatever was cut. */
  configure(target: string): Promise<void>;
  /** Paths a package has put on the machine. */
  files(pkg: PackageName): Promise<string[]>;
}

type PackageName = Pick<DebianPackage, 'name' | 'architecture'>;

const FORMAT =
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  '${Package}\\t${Version}\\t${Architecture}\\t${db:Status-Status}\\t${Multi-Arch}\\t${Provides}\\n';

/** @param root absolute path of the root: dpkg's own records lie within it */
export function dpkgOf(root: string, parts: InstallerParts): Dpkg {
  const { run, linux, uid } = parts;
  const records = path.join(root, 'var', 'lib', 'dpkg');
  const isHost = root === '/';
  // The configuration of the host's dpkg names the host's log.
  const log = path.join(root, 'var', 'log', 'dpkg.log');
  const elsewhere = [`--root=${root}`, `--log=${existsSync(path.dirname(log)) ? log : '/dev/null'}`];
  const where = [...(isHost ? [] : elsewhere), ...(uid === 0 ? [] : ['--force-not-root'])];
  const change = async (args: string[], target: string, onLine?: (line: string) => void) => {
    if (!isHost) beginRecords(records);
    const answer = await run({
      program: linux.dpkg,
      args: [...where, ...args],
      timeout: INSTALLER_TIMEOUT,
      environment: { DEBIAN_FRONTEND: 'noninteractive' },
      ...(onLine === undefined ? {} : { onLine }),
    });
    if (answer.code !== 0) throw failed(args[0] === '--remove' ? 'remove' : 'install', answer, target);
  };
  const ask = async (program: string, args: string[]) => {
    const answer = await run({ program, args, timeout: QUESTION_TIMEOUT });
    if (answer.code === 0 && !answer.cut) return answer.stdout;
    throw new D3Error(
      'DPKG_UNREADABLE',
      'failed',
      `What dpkg has installed cannot be read: ${endedBadly('it', answer)}.`,
      {
        target: program,
        actions: ['mend it first: dpkg --audit'],
      },
    );
  };
  return {
    async packages() {
      if (!existsSync(path.join(records, 'status'))) return [];
      const text = await ask(linux.dpkgQuery, [`--admindir=${records}`, '--show', `--showformat=${FORMAT}`]);
      return text.split('\n').flatMap((line) => (line === '' ? [] : [packageOf(line)]));
    },
    async architectures() {
      const own = await ask(linux.dpkg, [...where, '--print-architecture']);
      const foreign = await ask(linux.dpkg, [...where, '--print-foreign-architectures']);
      return `${own}\n${foreign}`.split('\n').filter((line) => line !== '');
    },
    // Configuration files that were edited stay as they are: nobody is there to be asked.
    install: (file, target, onLine) =>
      change(['--force-confdef', '--force-confold', '--install', file], target, onLine),
    remove: (pkg, target) => change(['--remove', named(pkg)], target),
    configure: (target) => change(['--force-confdef', '--force-confold', '--configure', '-a'], target),
    async files(pkg) {
      const text = await ask(linux.dpkgQuery, [`--admindir=${records}`, '--listfiles', named(pkg)]);
      // What is diverted is told in lines between.
      return text.split('\n').filter((line) => line.startsWith('/') && line !== '/.');
    },
  };
}

/** A root that has never seen dpkg has no records yet, which dpkg wants to find. */
function beginRecords(records: string): void {
  const status = path.join(records, 'status');
  if (existsSync(status)) return;
  for (const folder of ['', 'info', 'updates', 'triggers']) makeFolder(path.join(records, folder), 0o755);
  replaceFile(status, '');
}

function named({ name, architecture }: PackageName): string {
  return architecture === 'all' ? name : `${name}:${architecture}`;
}

function packageOf(line: string): InstalledPackage {
  const [name = '', version = '', architecture = '', status = '', multiArch = '', provides = ''] = line.split('\t');
  return { name, version, architecture, status, multiArch, provides: (parseRelations(provides) ?? []).flat() };
}

function failed(doing: 'install' | 'remove', answer: ProgramAnswer, target: string): D3Error {
  const text = endedBadly('dpkg', answer);
  if (/\block(?:ed)?\b.*\banother process\b/i.test(answer.lastLines.join('\n'))) {
    return new D3Error('DPKG_BUSY', 'busy', `Another program is installing with dpkg: ${text}.`, {
      target,
      actions: ['run the command again when it has ended'],
    });
  }
  const what = doing === 'install' ? 'installed' : 'removed';
  return new D3Error('DPKG_FAILED', 'installerFailed', `The package could not be ${what}: ${text}.`, {
    target,
    actions: ['see what dpkg has left with dpkg --audit, and mend it; then run the command again'],
  });
}

import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  type Stats,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { build } from '@d3/flatpkg';
import { silentReporter } from '@d3/sdk';
import { type Added, type AddRequest, addEdition } from '../../src/admin/add.ts';
import { makeLive, proposeLive } from '../../src/admin/live.ts';
import { adminPortOf } from '../../src/admin/plugin-port.ts';
import { type AdminSession, withDepot } from '../../src/admin/session.ts';
import type { TypedAttributes } from '../../src/catalog/attributes.ts';
import type { Machine, RunOptions, RunResult } from '../../src/client/run.ts';
import { StateReader } from '../../src/client/state/state.ts';
import type { Report } from '../../src/depot/contract.ts';
import { initDepot } from '../../src/depot/index.ts';
import { noPlugins } from '../../src/lifecycle/plugins.ts';
import type { Receipt } from '../../src/planner/receipt.ts';
import type { Request } from '../../src/planner/types.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { machineOf, requestOf } from './machine.ts';

/**
 * What a package holds: a path below the root of the target, and its content. A path ending in / is an empty folder, a
 * content beginning with `-> ` a link.
 */
export type Payload = Record<string, string>;

export interface PackageOptions {
  version?: string;
  installLocation?: string;
  /** `preinstall` and `postinstall` of the package itself. */
  scripts?: Payload;
}

/** A real depot and real machines in one temporary folder. Everything in it is as in production but for where it is. */
export class Sandbox {
  readonly dir: string;
  readonly depot: string;
  readonly clock: Clock;

  private constructor(dir: string, clock: Clock) {
    this.dir = dir;
    this.depot = path.join(dir, 'depot');
    this.clock = clock;
  }

  static async make(clock: Clock = systemClock): Promise<Sandbox> {
    const sandbox = new Sandbox(realpathSync(mkdtempSync(path.join(tempFolder(), 'd3-test-'))), clock);
    await initDepot(sandbox.depot, { clock });
    return sandbox;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Builds a flat package. @returns its path */
  async package(name: string, payload: Payload, options: PackageOptions = {}): Promise<string> {
    const root = this.folder(`payload-${name}`, payload);
    const output = path.join(this.dir, `${name}.pkg`);
    const { version = '1', installLocation = '/', scripts = {} } = options;
    const own = this.folder(`scripts-${name}`, scripts);
    for (const script of Object.keys(scripts)) chmodSync(path.join(own, script), 0o755);
    await build({
      root,
      output,
      identifier: `org.example.${name}`,
      version,
      installLocation,
      ...(Object.keys(scripts).length > 0 ? { scripts: own } : {}),
    });
    return output;
  }

  /** Makes a folder with files in it. @returns its path */
  folder(name: string, payload: Payload): string {
    const root = path.join(this.dir, name);
    mkdirSync(root, { recursive: true });
    for (const [file, content] of Object.entries(payload)) {
      const at = path.join(root, file);
      if (file.endsWith('/')) mkdirSync(at, { recursive: true });
      else {
        mkdirSync(path.dirname(at), { recursive: true });
        if (content.startsWith('-> ')) symlinkSync(content.slice(3), at);
        else writeFileSync(at, content);
      }
    }
    return root;
  }

  /** Work on the depot as an admin. */
  admin<Result>(work: (session: AdminSession) => Promise<Result>, admin = 'sally'): Promise<Result> {
    const signal = new AbortController().signal;
    return withDepot(
      {
        dir: this.depot,
        admin,
        clock: this.clock,
        plugins: noPlugins,
        report: silentReporter,
        signal,
        portOf: (session) => adminPortOf(session, path.join(this.depot, 'work')),
      },
      work,
    );
  }

  /** Adds an edition with a payload of its own, and makes it live when asked to. */
  async add(
    basename: string,
    version: string,
    options: { payload?: Payload; live?: boolean; inherit?: boolean } & Omit<PackageOptions, 'version'> &
      Omit<TypedAttributes, 'version'> = {},
  ): Promise<Added> {
    const {
      payload = { [`opt/${basename}/version`]: version },
      live = false,
      installLocation = '/',
      scripts = {},
      inherit = false,
      ...typed
    } = options;
    const unique = `${basename}-${version}-${Math.random().toString(36).slice(2)}`;
    const source = await this.package(unique, payload, { version, installLocation, scripts });
    return this.addFile(basename, version, source, { live, inherit, ...typed });
  }

  /** Adds an edition whose file is there already, and makes it live when asked to. */
  addFile(
    basename: string,
    version: string,
    source: string,
    options: { live?: boolean; inherit?: boolean } & Omit<TypedAttributes, 'version'> = {},
  ): Promise<Added> {
    const { live = false, inherit = false, ...typed } = options;
    const request: AddRequest = { basename, typed: { version, ...typed }, source, inherit };
    return this.admin(async (session) => {
      const added = await addEdition(request, session);
      if (live) await makeLive(await proposeLive(added.edition.edition, session), session);
      return added;
    });
  }

  live(edition: string): Promise<void> {
    return this.admin(async (session) => {
      await makeLive(await proposeLive(edition, session), session);
    });
  }

  /** A machine: a folder that stands for its root. @param facts written to its facts.json */
  machine(name: string, facts: Record<string, unknown> = {}, changes: Partial<Machine> = {}): SandboxMachine {
    const root = path.join(this.dir, name);
    mkdirSync(root, { recursive: true });
    writeFileSync(path.join(root, 'facts.json'), JSON.stringify({ processes: [], ...facts }));
    return new SandboxMachine(root, this.depot, this.clock, changes);
  }

  /** A machine that is there already. */
  machineAt(root: string, changes: Partial<Machine> = {}): SandboxMachine {
    return new SandboxMachine(root, this.depot, this.clock, changes);
  }

  /** Every report in the depot's inbox, in the order of their names. */
  reports(): Report[] {
    const inbox = path.join(this.depot, 'inbox');
    return readdirSync(inbox, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.json'))
      .toSorted()
      .map((name) => JSON.parse(readFileSync(path.join(inbox, name), 'utf8')));
  }

  /** A copy of the whole depot as it is now, for sources that are rolled back. */
  copyDepot(name: string): string {
    const copy = path.join(this.dir, name);
    cpSync(this.depot, copy, { recursive: true, preserveTimestamps: true });
    return copy;
  }
}

type InstallRequest = Extract<Request, { kind: 'install' | 'pilot' }>;

/** What `d3 install` asks for without flags. */
export function installRequest(targets: string[]): InstallRequest {
  return { kind: 'install', targets, admin: 'sally', force: false, puppies: false, freeze: false, expiration: null };
}

export class SandboxMachine {
  readonly root: string;
  readonly machine: Machine;

  constructor(root: string, depot: string, clock: Clock, changes: Partial<Machine>) {
    this.root = root;
    this.machine = { ...machineOf(root, depot, clock), ...changes };
  }

  request(request: Request, options: Partial<RunOptions> = {}): Promise<RunResult> {
    return requestOf(this.machine, request, options);
  }

  sync(request: { force?: boolean; puppies?: boolean } = {}, options: Partial<RunOptions> = {}): Promise<RunResult> {
    return this.request({ kind: 'sync', force: false, puppies: false, ...request }, options);
  }

  install(targets: string[], options: Partial<InstallRequest> = {}): Promise<RunResult> {
    return this.request({ ...installRequest(targets), ...options });
  }

  uninstall(targets: string[], force = false): Promise<RunResult> {
    return this.request({ kind: 'uninstall', targets, force });
  }

  pilot(targets: string[], options: Partial<InstallRequest> = {}): Promise<RunResult> {
    return this.install(targets, { kind: 'pilot', ...options });
  }

  depilot(targets: string[], options: { leaveOff?: boolean; force?: boolean } = {}): Promise<RunResult> {
    return this.request({ kind: 'depilot', targets, force: false, leaveOff: false, ...options });
  }

  /** The same machine, some of its parts changed. */
  with(changes: Partial<Machine>): SandboxMachine {
    return new SandboxMachine(this.root, '', this.machine.clock, { ...this.machine, ...changes });
  }

  /** Reads the machine's state. */
  reading<Result>(work: (state: StateReader) => Result): Result {
    const state = StateReader.open(this.machine.paths);
    try {
      return work(state);
    } finally {
      state.close();
    }
  }

  receipts(): Receipt[] {
    return this.reading((state) => state.receipts());
  }

  receipt(basename: string): Receipt | undefined {
    return this.receipts().find((receipt) => receipt.basename === basename);
  }

  /** Writes a file below the root, as somebody else would. */
  write(file: string, content: string): void {
    const at = path.join(this.root, file);
    mkdirSync(path.dirname(at), { recursive: true });
    writeFileSync(at, content);
  }

  read(file: string): string {
    return readFileSync(path.join(this.root, file), 'utf8');
  }

  /** Everything under the root but d3's own folders, as `path` or `path content`, sorted. */
  tree(): string[] {
    return readdirSync(this.root, { recursive: true, encoding: 'utf8' })
      .filter(
        (name) =>
          name !== 'facts.json' &&
          !/^(?:var|Library)(?:\/(?:lib|cache|Application Support|Caches)(?:\/d3(?:\/.*)?)?)?$/.test(name),
      )
      .map((name) => {
        const at = path.join(this.root, name);
        return lstatSync(at).isFile() ? `${name} ${readFileSync(at, 'utf8')}` : name;
      })
      .toSorted();
  }

  exists(file: string): boolean {
    return existsSync(path.join(this.root, file));
  }

  /** Each path under the root, d3's own among them: kind, mode, inode, time and content. */
  everything(): string[] {
    return readdirSync(this.root, { recursive: true, encoding: 'utf8' }).map((name) => {
      const at = path.join(this.root, name);
      const { mode, ino, mtimeMs } = lstatSync(at);
      return [name, mode.toString(8), ino, mtimeMs, contentOf(at)].join(' ');
    });
  }

  /**
   * Holds what d3 has on record against the disk.
   * @param foreign files that d3 did not put there
   * @returns each contradiction, in words; empty unless a run was cut or d3 is wrong
   */
  lies(foreign: string[] = []): string[] {
    const { receipts, owned, made, journal } = this.#records();
    const lies = journal.map((basename) => `${basename} is still in the journal`);
    for (const [file, owners] of owned) {
      if (statOf(this.root, file) === undefined) lies.push(`${file} is recorded, but not there`);
      for (const owner of owners)
        if (!receipts.has(owner)) lies.push(`${file} is recorded for ${owner}, which has no receipt`);
    }
    for (const folder of made)
      if (!this.exists(folder)) lies.push(`${folder} is recorded as made by d3, but not there`);
    for (const name of this.tree().map((line) => line.replace(/ .*/s, ''))) {
      const known = owned.has(`/${name}`) || foreign.includes(name) || statOf(this.root, name)?.isDirectory();
      if (!known) lies.push(`${name} is there, but nobody owns it`);
    }
    return lies;
  }

  /** What a sync may leave of no run: staging folders, packages. */
  leavings(): string[] {
    const { packages } = this.machine.paths;
    const staged = readdirSync(this.root).filter((name) => name.startsWith('.d3-stage'));
    return [...staged, ...(existsSync(packages) ? readdirSync(packages) : [])];
  }

  #records() {
    return this.reading((state) => {
      const owned = new Map<string, string[]>();
      const { database } = state as unknown as { database: DatabaseSync | null };
      const rows = (sql: string) => (database?.prepare(sql).all() ?? []) as { path: string; basename: string }[];
      for (const { path: file, basename } of rows('SELECT path, basename FROM manifests'))
        owned.set(file, [...(owned.get(file) ?? []), basename]);
      return {
        receipts: new Set(state.receipts().map((receipt) => receipt.basename)),
        owned,
        made: rows('SELECT path FROM created_folders').map((row) => row.path),
        journal: state.journal().map((entry) => entry.basename),
      };
    });
  }
}

const MEMORY = '/dev/shm';
const ROOM_BYTES = 512 * 1024 * 1024;

/** In memory where there is room: all that is flushed to the disk on the way takes most of the time elsewhere. */
function tempFolder(): string {
  if (!existsSync(MEMORY)) return os.tmpdir();
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize > ROOM_BYTES ? MEMORY : os.tmpdir();
}

function statOf(root: string, file: string): Stats | undefined {
  return lstatSync(path.join(root, file), { throwIfNoEntry: false });
}

function contentOf(at: string): string {
  const stat = lstatSync(at);
  if (stat.isSymbolicLink()) return readlinkSync(at);
  return stat.isFile() ? createHash('sha256').update(readFileSync(at)).digest('hex') : '';
}

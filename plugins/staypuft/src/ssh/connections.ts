import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ProgramRequest, ProgramResult } from '@d3/sdk';
import { shellWord } from '../rules/shell.ts';
import type { Target } from '../ssh-port.ts';
import type { Proxy } from '../types.ts';
import { failureOf, type Place, type Trouble, troubleOf } from './failures.ts';
import { type Answer, answerOf, BOOTSTRAP, Follower } from './frames.ts';
import { checkingOf, type HostKeyRecord, keysIn, knownHostsText } from './host-keys.ts';
import { KeptConnections, keptArgs } from './kept.ts';
import { checkKey } from './keys.ts';
import { Places } from './limits.ts';

export interface ConnectionParts {
  /** Absolute path of ssh. */
  program: string;
  run(request: ProgramRequest): Promise<ProgramResult>;
  /** A folder only its owner enters, for sockets and known keys. */
  room: string;
  record: HostKeyRecord;
  /** What the caller has to hear: once for each proxy. */
  warn(text: string): void;
  /** Waits so many milliseconds, or until the signal. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Socket of an agent that has keys; null: none. */
  agent: string | null;
}

/** What is done on a host over one connection. */
export interface Call {
  mark: string;
  /** All it reads. */
  input: string;
  /** Milliseconds. */
  timeout: number;
  signal: AbortSignal;
  follower?: Follower;
}

/** What the key is held to that a place shows. */
interface Trust {
  checking: ReturnType<typeof checkingOf>;
  /** Path of the file in which ssh looks for it. */
  known: string;
  keys: readonly string[];
  authorities: readonly string[];
}

/** A shared connection to a proxy. */
interface Master {
  name: string;
  ready: Promise<void>;
  socket: string;
  /** Of whoever opens it. */
  signal: AbortSignal;
}

/** A way to have a host's shell read something. */
export interface Carrier {
  /** @throws D3Error as `Remote` says */
  call(target: Target, call: Call): Promise<Answer>;
  /** One try, without a second one. */
  callOnce(target: Target, call: Call): Promise<Answer>;
}

/** What a socket's name may have: sun_path, less what ssh adds to it while it makes one. */
const LONGEST_SOCKET = 86;
/** Seconds a shared connection stays that nobody uses. */
const IDLE = 60;
const CONNECT = 15;
const SECOND = 1000;
const CROWDED_TRIES = 8;
/** Where no proxy says it. */
const ALONE = { opening: 16, sessions: 200 };

/** Connections to hosts by OpenSSH: shared ones to proxies, and through them one to each host that is worked on. */
export class Connections implements Carrier {
  readonly #parts: ConnectionParts;
  readonly #limits = new Map<string, { opening: Places; sessions: Places }>();
  readonly #masters = new Map<string, Master>();
  readonly #warned = new Set<string>();
  readonly #kept: KeptConnections;
  #sockets: string | null = null;
  #temporary: string | null = null;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#kept = new KeptConnections({
      socketFor: (key) => path.join(this.#socketFolder(), digest(key)),
      stop: (socket) => this.#control(socket, 'stop').catch(() => undefined),
    });
  }

  /**
   * Has a host's shell read something. What its sshd refuses for too many connections is tried again; nothing else is.
   * @throws D3Error as `Remote` says
   */
  async call(target: Target, call: Call): Promise<Answer> {
    const limits = this.#limitsOf(target);
    const leave = await limits.sessions.take(call.signal);
    try {
      for (let tries = 1; ; tries += 1) {
        const { answer, trouble, said } = await this.#once(target, call, limits.opening, false);
        if (trouble === null) return answer;
        if (trouble !== 'crowded' || tries === CROWDED_TRIES) throw failureOf(trouble, placeOf(target), said);
        await this.#parts.wait(backOff(tries), call.signal);
      }
    } finally {
      leave();
    }
  }

  /** One try over a new connection, without a second one: for looking whether somebody answers at all. */
  async callOnce(target: Target, call: Call): Promise<Answer> {
    const limits = this.#limitsOf(target);
    const leave = await limits.sessions.take(call.signal);
    try {
      const { answer, trouble, said } = await this.#once(target, call, limits.opening, true);
      if (trouble !== null) throw failureOf(trouble, placeOf(target), said);
      return answer;
    } finally {
      leave();
    }
  }

  /** Something on a proxy itself. */
  async callProxy(name: string, proxy: Proxy, call: Call): Promise<Answer> {
    const key = await this.#master(name, proxy, call.signal);
    const socket = this.#masters.get(key)?.socket ?? '';
    const result = await this.#run(
      [
        '-F',
        '/dev/null',
        '-T',
        '-S',
        escaped(socket),
        '-o',
        'ProxyCommand=false',
        '-o',
        'LogLevel=ERROR',
        'proxy',
        BOOTSTRAP,
      ],
      call,
      () => undefined,
    );
    const answer = answerOf(call.mark, result.stdout);
    if (answer.begun) return answer;
    const trouble: Trouble = result.code === 255 || result.code === null ? troubleOf(result.stderr) : 'no-shell';
    throw failureOf(trouble, proxyPlace(name, proxy), result.stderr || result.stdout);
  }

  /** Makes the shared connection to a proxy, unless it is there. */
  async reach(name: string, proxy: Proxy, signal: AbortSignal): Promise<void> {
    await this.#master(name, proxy, signal);
  }

  /** The host key a host shows, without logging in. */
  async shownKey(target: Target, signal: AbortSignal): Promise<string> {
    const { host } = target;
    const through = throughOf(target);
    const way = through === null ? [] : await this.#throughMaster(through.name, through.proxy, target, signal);
    return this.#shown(placeOf(target), [...way, '-p', String(host.port), '-l', host.user, '--', host.address], signal);
  }

  /** The same of a proxy. */
  shownProxyKey(name: string, proxy: Proxy, signal: AbortSignal): Promise<string> {
    const place = proxyPlace(name, proxy);
    return this.#shown(place, ['-p', String(place.port), '-l', place.user, '--', place.address], signal);
  }

  async #shown(place: Place, words: readonly string[], signal: AbortSignal): Promise<string> {
    const met = path.join(this.#parts.room, `met-${randomUUID()}`);
    try {
      const { stderr } = await this.#parts.run({
        program: this.#parts.program,
        args: [
          '-F',
          '/dev/null',
          '-T',
          '-N',
          '-o',
          'BatchMode=yes',
          '-o',
          `ConnectTimeout=${CONNECT}`,
          '-o',
          'PreferredAuthentications=none',
          '-o',
          'LogLevel=ERROR',
          '-o',
          'ControlPath=none',
          '-o',
          'HashKnownHosts=no',
          '-o',
          'CheckHostIP=no',
          ...checkingArgs('accept-new', met),
          ...words,
        ],
        timeout: 2 * CONNECT * SECOND,
        signal,
      });
      signal.throwIfAborted();
      const [key] = keysIn(readText(met));
      if (key === undefined) throw failureOf('transport', place, stderr);
      return key;
    } finally {
      rmSync(met, { force: true });
    }
  }

  /** Shared connections end when nobody uses them any more. */
  async close(): Promise<void> {
    const masters = [...this.#masters.values()];
    this.#masters.clear();
    await this.#kept.close();
    await Promise.all(
      masters.map(async ({ ready, socket }) => {
        await ready.catch(() => undefined);
        await this.#control(socket, 'stop').catch(() => undefined);
      }),
    );
    if (this.#temporary !== null) rmSync(this.#temporary, { recursive: true, force: true });
    this.#temporary = null;
    this.#sockets = null;
  }

  #limitsOf({ proxy }: Target): { opening: Places; sessions: Places } {
    const { opening, sessions } = proxy?.proxy ?? ALONE;
    const key = `${proxy?.name ?? ''} ${opening} ${sessions}`;
    const known = this.#limits.get(key);
    if (known !== undefined) return known;
    const made = { opening: new Places(opening), sessions: new Places(sessions) };
    this.#limits.set(key, made);
    return made;
  }

  async #once(
    target: Target,
    call: Call,
    opening: Places,
    isAnew: boolean,
  ): Promise<{ answer: Answer; trouble: Trouble | null; said: string }> {
    const trust = await this.#trustHost(target);
    // Where a key is to be met, nothing is shared: it is put on record first.
    const socket =
      trust.checking === 'accept-new'
        ? null
        : this.#kept.socketOf(target, [trust.checking, trust.keys, trust.authorities]);
    if (socket !== null && isAnew) await this.#kept.drop(socket);
    const { result, onWay, isThere } = await this.#sent(target, call, { trust, socket, opening, isAnew });
    const answer = answerOf(call.mark, result.stdout);
    if (answer.begun) {
      if (trust.checking === 'accept-new') await this.#recordMet('host', target.name, trust.known, placeOf(target));
      return { answer, trouble: null, said: '' };
    }
    call.signal.throwIfAborted();
    if (isThere && !result.timedOut) {
      // It ended meanwhile, or its host was restarted: nothing was begun over it.
      return this.#once(target, call, opening, true);
    }
    const said = `${result.stderr}${onWay}${result.timedOut ? '\nit did not answer in time' : ''}`;
    if (result.code !== 255 && result.code !== null)
      return { answer, trouble: 'no-shell', said: said || result.stdout };
    const trouble = troubleOf(said);
    const through = throughOf(target);
    if (trouble === 'crowded' && through !== null) await this.#renewMaster(through);
    return { answer, trouble, said };
  }

  /**
   * Has a host's shell read something.
   * @param socket of a connection that stays; null: one of its own @param isAnew whether a new one is wanted
   * @returns `onWay`: what ssh said of the way through a proxy; `isThere`: whether it was sent over a connection that stayed
   */
  async #sent(
    target: Target,
    call: Call,
    { trust, socket, opening, isAnew }: { trust: Trust; socket: string | null; opening: Places; isAnew: boolean },
  ): Promise<{ result: ProgramResult; onWay: string; isThere: boolean }> {
    const { host, proxy, key } = target;
    const through = throughOf(target);
    // A connection that stays has its ProxyCommand say nothing, unless it is said elsewhere.
    const saidOnWay = path.join(this.#parts.room, `way-${randomUUID()}`);
    let give: () => void = () => undefined;
    try {
      const way =
        through === null ? [] : await this.#throughMaster(through.name, through.proxy, target, call.signal, saidOnWay);
      const args = [
        ...this.#common(withKey(proxy?.proxy ?? null, key)),
        ...checkingArgs(trust.checking, trust.known),
        '-T',
        ...(socket === null ? ['-o', 'ControlPath=none'] : keptArgs(escaped(socket))),
        '-o',
        'ClearAllForwardings=yes',
        ...way,
        '-p',
        String(host.port),
        '-l',
        host.user,
        '--',
        host.address,
        BOOTSTRAP,
      ];
      // Not before there is a way to it: that may take its time.
      const isThere = socket !== null && !isAnew && existsSync(socket);
      if (!isThere) give = await opening.take(call.signal);
      return { result: await this.#run(args, call, give), onWay: readText(saidOnWay), isThere };
    } finally {
      give();
      rmSync(saidOnWay, { force: true });
    }
  }

  #run(args: readonly string[], call: Call, onBegin: () => void): Promise<ProgramResult> {
    const { input, timeout, signal, mark } = call;
    const follower = call.follower ?? new Follower(mark, () => undefined);
    follower.onBegin = onBegin;
    const { agent } = this.#parts;
    return this.#parts.run({
      program: this.#parts.program,
      args,
      timeout,
      signal,
      input,
      environment: agent === null ? {} : { SSH_AUTH_SOCK: agent },
      onLine: (line) => follower.take(line),
      leavesRunning: true,
    });
  }

  #common(proxy: Pick<Proxy, 'key' | 'publicKey'> | null): string[] {
    return [
      '-F',
      '/dev/null',
      ...[
        'BatchMode=yes',
        'PreferredAuthentications=publickey',
        `ConnectTimeout=${CONNECT}`,
        'ServerAliveInterval=15',
        'ServerAliveCountMax=3',
        'LogLevel=ERROR',
        'ForwardAgent=no',
        'ForwardX11=no',
        'PermitLocalCommand=no',
        'EscapeChar=none',
        'UpdateHostKeys=no',
        'CheckHostIP=no',
        'HashKnownHosts=no',
      ].flatMap((option) => ['-o', option]),
      ...this.#identity(proxy),
    ];
  }

  #identity(proxy: Pick<Proxy, 'key' | 'publicKey'> | null): string[] {
    if (proxy === null) return ['-o', 'IdentitiesOnly=yes'];
    if (proxy.key !== null) {
      checkKey(proxy.key);
      return ['-o', 'IdentitiesOnly=yes', '-i', escaped(proxy.key), '-o', 'IdentityAgent=none'];
    }
    if (proxy.publicKey === null) return ['-o', 'IdentitiesOnly=no'];
    const file = path.join(this.#parts.room, `key-${digest(proxy.publicKey)}.pub`);
    replace(file, `${proxy.publicKey}\n`);
    return ['-o', 'IdentitiesOnly=yes', '-i', escaped(file)];
  }

  /** @param saidIn path of a file for what ssh says of the way through */
  async #throughMaster(
    name: string,
    proxy: Proxy,
    { host }: Target,
    signal: AbortSignal,
    saidIn: string | null = null,
  ): Promise<string[]> {
    const key = await this.#master(name, proxy, signal);
    const socket = this.#masters.get(key)?.socket ?? '';
    const to = `[${host.address}]:${host.port}`;
    const words = [
      this.#parts.program,
      '-F',
      '/dev/null',
      '-S',
      escaped(socket),
      '-o',
      'ProxyCommand=false',
      '-o',
      'LogLevel=ERROR',
      '-W',
      to,
      'proxy',
    ];
    const line = words.map((word) => quoted(word)).join(' ');
    return ['-o', `ProxyCommand=${line}${saidIn === null ? '' : ` 2>${quoted(saidIn)}`}`];
  }

  /** The one connection to a proxy, made where it is not there. */
  async #master(name: string, proxy: Proxy, signal: AbortSignal): Promise<string> {
    const key = masterKey(name, proxy);
    for (let there = this.#masters.get(key); there !== undefined; there = this.#masters.get(key)) {
      try {
        await there.ready;
        return key;
      } catch (error) {
        signal.throwIfAborted();
        // Whoever was making it was told to stop, which is no trouble of the proxy's.
        if (!there.signal.aborted) throw error;
      }
    }
    const socket = path.join(this.#socketFolder(), digest(key));
    const ready = this.#open(name, proxy, socket, signal);
    this.#masters.set(key, { name, ready, socket, signal });
    try {
      await ready;
    } catch (error) {
      this.#masters.delete(key);
      throw error;
    }
    return key;
  }

  async #open(name: string, proxy: Proxy, socket: string, signal: AbortSignal): Promise<void> {
    if (await this.#control(socket, 'check')) return;
    const { address, port, user } = proxy;
    const place = proxyPlace(name, proxy);
    if (proxy.hostKeyMode === 'off') this.#warnOff(name);
    const { checking, known } = await this.#trust('proxy', name, { address: address as string, port }, proxy);
    for (let tries = 1; ; tries += 1) {
      rmSync(socket, { force: true });
      const { code, stderr, timedOut } = await this.#parts.run({
        program: this.#parts.program,
        args: [
          ...this.#common(proxy),
          ...checkingArgs(checking, known),
          '-M',
          '-S',
          escaped(socket),
          '-o',
          `ControlPersist=${IDLE}`,
          '-f',
          '-N',
          '-p',
          String(port),
          '-l',
          user,
          '--',
          address as string,
        ],
        timeout: 2 * CONNECT * SECOND,
        signal,
        environment: this.#parts.agent === null ? {} : { SSH_AUTH_SOCK: this.#parts.agent },
      });
      signal.throwIfAborted();
      if (code === 0) {
        if (checking === 'accept-new') await this.#recordMet('proxy', name, known, place);
        return;
      }
      const said = timedOut ? `${stderr}\nit did not answer in time` : stderr;
      const trouble = troubleOf(said);
      if (trouble !== 'crowded' || tries === CROWDED_TRIES) throw failureOf(trouble, place, said);
      await this.#parts.wait(backOff(tries), signal);
    }
  }

  /** A shared connection that has ended is made anew by whoever needs it next. */
  async #renewMaster({ name, proxy }: NonNullable<Target['proxy']>): Promise<void> {
    const key = masterKey(name, proxy);
    const there = this.#masters.get(key);
    if (there === undefined || (await this.#control(there.socket, 'check'))) return;
    if (this.#masters.get(key) === there) this.#masters.delete(key);
  }

  async #control(socket: string, what: 'check' | 'stop'): Promise<boolean> {
    const { code } = await this.#parts.run({
      program: this.#parts.program,
      args: ['-F', '/dev/null', '-S', escaped(socket), '-O', what, 'proxy'],
      timeout: 10 * SECOND,
    });
    return code === 0;
  }

  #socketFolder(): string {
    if (this.#sockets !== null) return this.#sockets;
    const { room } = this.#parts;
    if (room.length + 1 + DIGEST <= LONGEST_SOCKET) this.#sockets = room;
    else {
      this.#temporary = mkdtempSync(path.join(os.tmpdir(), 'd3-ssh-'));
      this.#sockets = this.#temporary;
    }
    return this.#sockets;
  }

  #trustHost({ name, host, proxy }: Target): Promise<Trust> {
    const { hostKeyMode, authorities } = proxy?.proxy ?? { hostKeyMode: 'accept-new' as const, authorities: [] };
    if (hostKeyMode === 'off') this.#warnOff(proxy?.name ?? name);
    return this.#trust('host', name, host, { hostKeyMode, authorities, hostKeys: host.hostKeys });
  }

  /** What the key is held to that a place shows. */
  async #trust(
    kind: 'host' | 'proxy',
    name: string,
    place: { address: string; port: number },
    { hostKeyMode: mode, hostKeys, authorities }: Pick<Proxy, 'hostKeyMode' | 'hostKeys' | 'authorities'>,
  ): Promise<Trust> {
    const keys = mode === 'off' || hostKeys.length > 0 ? hostKeys : await this.#parts.record.record(kind, name, []);
    const checking = checkingOf(mode, keys, authorities);
    const known = this.#tellKnown(kind, name, checking, knownHostsText(place, keys, authorities));
    return { checking, known, keys, authorities };
  }

  /** What ssh knows of one place. Where it is to meet a key, the file is that one call's, so that no other one changes it. */
  #tellKnown(kind: 'host' | 'proxy', name: string, checking: 'yes' | 'accept-new' | 'no', text: string): string {
    if (checking === 'no') return '/dev/null';
    const file = path.join(this.#parts.room, `known-${digest(`${kind} ${name.toLowerCase()}`)}`);
    if (checking === 'accept-new') return `${file}-${randomUUID()}`;
    replace(file, text);
    return file;
  }

  async #recordMet(kind: 'host' | 'proxy', name: string, known: string, place: Place): Promise<void> {
    const met = keysIn(readText(known));
    rmSync(known, { force: true });
    const kept = await this.#parts.record.record(kind, name, met);
    if (met.length > 0 && !met.some((key) => kept.includes(key)))
      throw failureOf('host-key-changed', place, 'another key was put on record meanwhile');
  }

  #warnOff(name: string): void {
    if (this.#warned.has(name)) return;
    this.#warned.add(name);
    this.#parts.warn(
      `Host keys are not checked for ${name}: whoever stands in between sees and changes everything. ` +
        `Turn it on: d3 proxy add ${name} --host-keys accept-new`,
    );
  }
}

/** The proxy a host is behind; null: it is reached as it is. */
function throughOf({ proxy }: Target): Target['proxy'] {
  return proxy === null || proxy.proxy.address === null ? null : proxy;
}

export function placeOf({ name, host, proxy }: Target): Place {
  const { user, address, port } = host;
  return { kind: 'host', name, user, address, port, through: proxy?.name ?? null };
}

function proxyPlace(name: string, { user, address, port }: Proxy): Place {
  return { kind: 'proxy', name, user, address: address ?? '', port, through: null };
}

function masterKey(name: string, { address, port, user, key, hostKeyMode }: Proxy): string {
  return [name, address, port, user, key, hostKeyMode].join(' ');
}

function checkingArgs(checking: string, known: string): string[] {
  return [
    '-o',
    `StrictHostKeyChecking=${checking}`,
    '-o',
    `UserKnownHostsFile=${known === '/dev/null' ? known : quotedOption(known)}`,
    '-o',
    'GlobalKnownHostsFile=/dev/null',
  ];
}

/** Milliseconds before the next try, which not all make at once. */
function backOff(tries: number): number {
  return Math.min(15 * SECOND, 300 * 2 ** (tries - 1)) * (0.5 + Math.random());
}

const DIGEST = 20;

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, DIGEST);
}

/** ssh takes `%` for a token. */
function escaped(text: string): string {
  return text.replaceAll('%', '%%');
}

function quotedOption(file: string): string {
  return `"${escaped(file)}"`;
}

/** A word of the shell that starts a ProxyCommand. */
function quoted(word: string): string {
  const safe = /^[\w./:=@+[\]-]+$/.test(word) ? word : shellWord(word);
  return escaped(safe);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function replace(file: string, text: string): void {
  if (existsSync(file) && readText(file) === text) return;
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  renameSync(draft, file);
}

/** What a host is logged in to with. */
function withKey(proxy: Proxy | null, key: string | undefined): Pick<Proxy, 'key' | 'publicKey'> | null {
  return key === undefined ? proxy : { key, publicKey: null };
}

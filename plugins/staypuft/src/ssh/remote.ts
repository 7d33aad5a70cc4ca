import { randomBytes } from 'node:crypto';
import { D3Error } from '@d3/sdk';
import type { Remote, RemoteEnd, RemoteWork, Target } from '../ssh-port.ts';
import type { Proxy } from '../types.ts';
import { type Carrier, type ConnectionParts, Connections, placeOf } from './connections.ts';
import { failureOf } from './failures.ts';
import { type Answer, Follower, lastBytes } from './frames.ts';
import {
  BOOT_ID,
  endDriver,
  FOLLOWED,
  findDriver,
  forgetDriver,
  LAST_BYTES,
  lookDriver,
  sent,
  workDriver,
  workLines,
} from './steps.ts';

export interface WorkParts {
  /** Where work is kept on hosts; null: each host's own place for such. */
  stepsFolder?: string | null;
  /** Seconds one connection follows work. */
  followed?: number;
  wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export type RemoteParts = ConnectionParts & WorkParts;

/** What is done on hosts, whatever carries it there. */
export type HostWork = Omit<Remote, 'close'>;

/** Besides what all do with hosts, what the commands of proxies need. */
export interface SshRemote extends Remote {
  /** A short command on a proxy itself, as the account that d3 goes through. */
  lookAtProxy(
    name: string,
    proxy: Proxy,
    script: string,
    options: { signal: AbortSignal; timeout?: number; input?: string },
  ): Promise<RemoteEnd>;
  /** Makes the shared connection to a proxy, unless it is there. */
  reach(name: string, proxy: Proxy, signal: AbortSignal): Promise<void>;
  /** The host key a host shows, without logging in. Whoever takes it has to know that it is the host's. */
  shownKey(target: Target, signal: AbortSignal): Promise<string>;
  /** The same of a proxy. */
  shownProxyKey(name: string, proxy: Proxy, signal: AbortSignal): Promise<string>;
  /** The host was installed anew, on purpose: its host keys are taken off its record, and only its. */
  forgetHostKey(host: string): Promise<void>;
}

const SECOND = 1000;
/** Milliseconds that a connection may take besides what is done over it. */
const MARGIN = 45 * SECOND;
const LOOK = 30;
/** How often work is tried in a row when the way to its host is cut. */
const TRIES = 3;
const ENDED_WITHIN = 30;

/** Work on hosts over OpenSSH. */
export function remoteOverSsh(parts: RemoteParts): SshRemote {
  const connections = new Connections(parts);
  return {
    ...workOver(connections, parts),
    async lookAtProxy(name, proxy, script, options) {
      const answer = await connections.callProxy(name, proxy, lookCall(script, options, false));
      if (answer.end !== null) return lookedAt(answer);
      const { user, address, port } = proxy;
      throw failureOf('transport', { kind: 'proxy', name, user, address: address ?? '', port, through: null }, CUT);
    },
    reach: (name, proxy, signal) => connections.reach(name, proxy, signal),
    shownKey: (target, signal) => connections.shownKey(target, signal),
    shownProxyKey: (name, proxy, signal) => connections.shownProxyKey(name, proxy, signal),
    forgetHostKey: (host) => parts.record.replace('host', host, []),
    close: () => connections.close(),
  };
}

/** Work on hosts over whatever has their shells read something. */
export function workOver(carrier: Carrier, parts: WorkParts): HostWork {
  const base = parts.stepsFolder ?? null;
  const followed = parts.followed ?? FOLLOWED;

  const ask = async (target: Target, driver: (mark: string) => string, signal: AbortSignal): Promise<Answer> => {
    const mark = newMark();
    const answer = await carrier.call(target, {
      mark,
      input: sent(driver(mark)),
      timeout: ENDED_WITHIN * SECOND + MARGIN,
      signal,
    });
    return whole(target, answer);
  };

  return {
    async work(target, work, signal) {
      const followedUp = new FollowedWork(work);
      for (let cuts = 0; ; ) {
        const offset = followedUp.offset;
        try {
          const end = await followedUp.follow(target, carrier, { base, followed, signal });
          if (end !== null) return end;
        } catch (error) {
          cuts = followedUp.offset > offset ? 1 : cuts + 1;
          if (!(error instanceof D3Error) || error.code !== 'SSH_UNREACHABLE' || cuts >= TRIES) throw error;
          await parts.wait(2 ** cuts * SECOND, signal);
        }
      }
    },
    async find(target, id, signal) {
      const { end, text } = await ask(target, (mark) => findDriver(mark, id, { base }), signal);
      if (end === 'none') return null;
      return end === 'running' ? 'running' : endOf(end ?? '', text);
    },
    async end(target, ...ids) {
      if (ids.length === 0) return;
      await ask(target, (mark) => endDriver(mark, ids, { base }), new AbortController().signal);
    },
    async forget(target, id) {
      await ask(target, (mark) => forgetDriver(mark, id, { base }), new AbortController().signal);
    },
    async look(target, script, options) {
      const call = lookCall(script, options);
      return lookedAt(whole(target, await carrier.call(target, call)));
    },
    async bootId(target, signal) {
      const call = lookCall(BOOT_ID, { signal });
      try {
        const { end, text } = await carrier.callOnce(target, call);
        return end === 'end 0' && text.trim() !== '' ? text.trim() : null;
      } catch (error) {
        if (error instanceof D3Error && error.code === 'SSH_UNREACHABLE') return null;
        throw error;
      }
    },
  };
}

/** One piece of work, as one connection after the other follows it. */
class FollowedWork {
  readonly #work: RemoteWork;
  /** Bytes of its output that are told. */
  offset = 0;
  #carry = '';
  #skip = 0;
  #output = '';
  /** Whether the host said that it has it. */
  #isThere = false;

  constructor(work: RemoteWork) {
    this.#work = work;
  }

  /** @returns null: it goes on */
  async follow(
    target: Target,
    carrier: Carrier,
    { base, followed, signal }: { base: string | null; followed: number; signal: AbortSignal },
  ): Promise<RemoteEnd | null> {
    const { id, script, timeout, environment = {}, onLine = () => undefined } = this.#work;
    const mark = newMark();
    const begins = !this.#isThere;
    const follower = new Follower(mark, onLine, { carry: this.#carry, skip: this.#skip });
    const driver = workDriver(mark, id, { base, timeout, offset: this.offset, begins, followed });
    let answer: Answer;
    try {
      answer = await carrier.call(target, {
        mark,
        input: sent(driver, begins ? workLines(script, environment) : []),
        timeout: followed * SECOND + MARGIN,
        signal,
        follower,
      });
    } finally {
      // What was told over a connection that was cut is not told again.
      this.#skip = Math.max(this.#skip, follower.told);
    }
    const { end, text } = whole(target, answer);
    this.#isThere = true;
    this.#skip = 0;
    this.#carry = follower.rest;
    this.#output = lastBytes(this.#output + text, LAST_BYTES);
    const [word, value = ''] = (end as string).split(' ');
    if (word === 'later') {
      this.offset = Number(value);
      return null;
    }
    if (this.#carry !== '') onLine(this.#carry);
    // It was there a moment ago: the host was restarted, or somebody took it away.
    if (word === 'none') return { code: null, timedOut: false, output: this.#output };
    return endOf(end as string, this.#output);
  }
}

function lookCall(script: string, options: { signal: AbortSignal; timeout?: number; input?: string }, elevates = true) {
  const { signal, timeout = LOOK, input = '' } = options;
  const mark = newMark();
  return { mark, input: sent(lookDriver(mark), [script], input, elevates), timeout: timeout * SECOND + MARGIN, signal };
}

function lookedAt({ end, text }: Answer): RemoteEnd {
  return { ...endOf(end ?? '', text) };
}

/** @param end `end 0`, `end -`, `end - timedout` */
function endOf(end: string, text: string): RemoteEnd {
  const [, code = '-', timedOut] = end.split(' ');
  return {
    code: /^\d+$/.test(code) ? Number(code) : null,
    timedOut: timedOut === 'timedout',
    output: lastBytes(text, LAST_BYTES),
  };
}

const CUT = 'the connection was cut while something was done over it';

/** @throws D3Error for an answer that was cut, or a host where nothing can be kept safely */
function whole(target: Target, answer: Answer): Answer {
  if (answer.end === null) throw failureOf('transport', placeOf(target), CUT);
  if (!answer.end.startsWith('unsafe ')) return answer;
  const folder = answer.end.slice('unsafe '.length);
  throw new D3Error(
    'SSH_STEPS_FOLDER',
    'refused',
    `Nothing is kept in ${folder} on the host ${target.name}: others may change it.`,
    {
      target: target.name,
      actions: [`see who made ${folder} there, and take it away`],
    },
  );
}

function newMark(): string {
  return randomBytes(12).toString('hex');
}

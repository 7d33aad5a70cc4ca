import type { Json } from '@d3/sdk';
import { type HostWork, type SshRemote, workOver } from '../ssh/remote.ts';
import type { Target } from '../ssh-port.ts';
import { waited } from '../waited.ts';
import { jobCarrier } from './jobs.ts';
import { connect, siteOf } from './site.ts';
import { goesByJobs } from './transport.ts';

/** Seconds one job follows work on a host; then the next one does. */
const FOLLOWED = 900;

/** Those of this process that go through one Foreman. */
const opened = new Map<string, Promise<HostWork>>();

/**
 * Reaches hosts that Foreman knows by jobs of its remote execution, and all others over SSH.
 * @throws D3Error usage where it is not said which Foreman
 */
export async function remoteByJobs(ssh: SshRemote, settings: Readonly<Record<string, Json>>): Promise<SshRemote> {
  const site = siteOf(settings);
  const key = `${site.server} ${site.user}`;
  let jobs = opened.get(key);
  if (jobs === undefined) {
    jobs = connect(site, new AbortController().signal).then((foreman) =>
      workOver(jobCarrier({ foreman }), { followed: FOLLOWED, wait: waited }),
    );
    jobs.catch(() => opened.delete(key));
    opened.set(key, jobs);
  }
  return byTarget(ssh, await jobs, settings);
}

function byTarget(ssh: SshRemote, jobs: HostWork, settings: Readonly<Record<string, Json>>): SshRemote {
  const of = ({ host }: Target): HostWork => (goesByJobs(settings, host) ? jobs : ssh);
  return {
    ...ssh,
    work: (target, work, signal) => of(target).work(target, work, signal),
    find: (target, id, signal) => of(target).find(target, id, signal),
    end: (target, ...ids) => of(target).end(target, ...ids),
    forget: (target, id) => of(target).forget(target, id),
    look: (target, script, options) => of(target).look(target, script, options),
    bootId: (target, signal) => of(target).bootId(target, signal),
  };
}

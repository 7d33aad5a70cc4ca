import { isIP } from 'node:net';
import { D3Error } from '@d3/sdk';
import type { NamedHost } from '../types.ts';
import { checkBoot, convert } from './assign.ts';
import { changeRecord } from './change.ts';
import { environmentOfGroup } from './classifier.ts';
import type { Foreman } from './client.ts';
import { type Image, imageOf, refusedIn } from './image.ts';
import { installerProblem } from './installer.ts';
import { bootMacOf, type Facts } from './network.ts';
import { changeHostDocument, note, notesOf, type Provisioning, without } from './notes.ts';
import {
  environmentNamed,
  type Hostgroup,
  type HostRecord,
  hostgroupNamed,
  type Located,
  locate,
  readHost,
  restartsOnConversion,
} from './records.ts';
import { OutcomeUnknown } from './refusal.ts';
import type { ForemanContext, Site } from './site.ts';

export interface Provisioner {
  foreman: Foreman;
  site: Site;
  /** Id of the run. */
  run: string;
  context: ForemanContext & { clock: { now(): Date } };
}

export type Progress = { outcome: 'done'; text: string } | { outcome: 'later'; text: string; seconds: number };

const SECOND = 1000;
/** Between two looks. */
const LOOK_SECONDS = 3;
const POLL_SECONDS = 10;
/** Looks in a row without an answer after which an image is gone. */
const GONE = 2;
/** Looks in a row at which Foreman may not answer. */
const MISSES = 3;
/** What `status/build` says. */
const BUILT = 0;
const TOKEN_EXPIRED = 2;
const FAILED = 3;

/**
 * Has a machine installed: hostgroup, build flag, the environment of the meantime, a fresh token, its boot configuration; then its discovery
 * image restarts it, and has to be gone. Found again after a cut: what is done already is read.
 * @param title of its hostgroup
 * @throws D3Error where it cannot be, naming host and address
 */
export async function provision(target: NamedHost, title: string, how: Provisioner): Promise<Progress> {
  const { foreman, site, context } = how;
  const { name } = target;
  if (target.host.kind !== 'discovered') throw notOurs(name, `it is ${target.host.kind}, not discovered`);
  const begun = noteOf(target, how);
  const located = await locate(foreman, target);
  if (located.kind === 'host' && !located.record.managed) throw notOurs(name, 'Foreman does not manage it');
  const image = imageFor(target, located, how);
  if (begun?.stage === 'sent') return watch(target, image, begun, how);
  const group = await hostgroupNamed(foreman, title);
  const interim = await interimOf(foreman, site, group, name);
  const there = begun === null && isInstalled(located) ? located.record.installedAt : null;
  if (site.restart === 'foreman')
    return there === null ? throughForeman(target, located, group, interim, how) : before(target, there, how);

  const facts = await image.facts(foreman.signal);
  if (facts === null) {
    if (there !== null) return before(target, there, how);
    // A cut may have come after Foreman restarted it.
    if (begun !== null && located.kind === 'host' && located.record.build) return sent(target, begun, how);
    throw new D3Error('IMAGE_SILENT', 'failed', `${name} does not answer at ${image.url} as a discovery image`, {
      target: name,
      actions: [
        `Boot ${name} into the discovery image, and see that this machine reaches it, then: d3 deployment retry`,
      ],
    });
  }
  checkIdentity(name, image, facts, located.record.mac ?? text(target.host.facts['mac']));
  const installedAt = located.kind === 'host' ? located.record.installedAt : null;
  const provisioning = begun ?? fresh(how, installedAt, uptimeOf(facts));
  await keep(target, provisioning, how);
  await prepare(target, located, group, interim, foreman);
  await checkInstaller(target, how);
  try {
    await image.restart(foreman.signal);
  } catch (error) {
    // Where Foreman restarted it as it converted it, it may be down already.
    if (
      located.kind === 'host' ||
      !(await restartsOnConversion(foreman)) ||
      (await image.facts(foreman.signal)) !== null
    ) {
      await forget(target, context);
      throw error;
    }
  }
  return sent(target, provisioning, how);
}

/** Whether Foreman has installed it, and is not to do so again: then only a machine that runs a discovery image is. */
export function isInstalled(located: Located): located is Located & { kind: 'host' } {
  return (
    located.kind === 'host' && located.record.managed && !located.record.build && located.record.installedAt !== null
  );
}

/** Nothing is to be done to a machine that an earlier run installed: it is remembered until it would be waited for. */
async function before(target: NamedHost, installedAt: string, how: Provisioner): Promise<Progress> {
  await keep(target, { ...fresh(how, installedAt, null), stage: 'there' }, how);
  return { outcome: 'done', text: `${target.name} is installed already` };
}

/** Foreman's half, in the order that writes the boot configuration last. */
async function prepare(
  target: NamedHost,
  located: Located,
  group: Hostgroup,
  interim: number,
  foreman: Foreman,
): Promise<void> {
  if (located.kind === 'discovered') {
    await checkBoot(foreman, target.name, located.record, group);
    await convert(foreman, target, group, interim);
  } else {
    const { id, hostgroupId, hostgroup, build } = located.record;
    if (hostgroupId !== null && hostgroupId !== group.id)
      throw new D3Error(
        'FOREMAN_HOST_TAKEN',
        'refused',
        `${target.name} is in the hostgroup ${hostgroup ?? hostgroupId} in Foreman, not in ${group.title}`,
        { target: target.name, actions: ['Put it back, or unassign it: d3 deployment unassign'] },
      );
    await changeRecord(foreman, id, { hostgroupId: group.id, environmentId: interim });
    // A build that begins anew has a token that is whole.
    if (build) await changeRecord(foreman, id, { build: false });
    await changeRecord(foreman, id, { build: true });
  }
  const params = { id: Number(target.host.foreman) };
  await again(async () => foreman.call('rebuildConfig', { params, json: { only: ['TFTP'] } }));
}

/** What will be installed is read before anything is restarted: an agent that comes up by itself could not be taken back. */
async function checkInstaller(target: NamedHost, { foreman, context }: Provisioner): Promise<void> {
  const problem = await installerProblem(foreman, target, context);
  if (problem === null) return;
  await forget(target, context);
  const { name } = target;
  throw new D3Error('FOREMAN_TEMPLATE', 'refused', `${name} is not installed by ${problem.why}`, {
    target: name,
    actions: [`${problem.next}, then: d3 deployment retry`],
  });
}

/** Where machines are out of d3's reach: Foreman reaches them, and restarts what it converts. That it does reach it is tried before. */
async function throughForeman(
  target: NamedHost,
  located: Located,
  group: Hostgroup,
  interim: number,
  how: Provisioner,
): Promise<Progress> {
  const { foreman } = how;
  const { name } = target;
  const cannot = (why: string) =>
    new D3Error('FOREMAN_CANNOT_RESTART', 'refused', `Foreman cannot restart ${name}: ${why}`, {
      target: name,
      actions: ['Set foreman.restart to image, or restart it by hand and skip this step: d3 deployment skip'],
    });
  if (located.kind === 'host') {
    if (noteOf(target, how) !== null && located.record.build)
      return { outcome: 'done', text: `${name} was converted; Foreman restarts it` };
    throw cannot('it does so only as it converts, and it is a managed host already');
  }
  if (!(await restartsOnConversion(foreman))) throw cannot('its setting discovery_reboot is off');
  const params = { id: located.record.id };
  const answer = await foreman.call('refreshFacts', { params });
  const refused = answer === null ? null : refusedIn(JSON.stringify(answer));
  if (refused !== null) {
    const url = `${foreman.server}/api/v2/discovered_hosts/${located.record.id}/refresh_facts`;
    throw new D3Error(
      'IMAGE_NOT_REACHED',
      'failed',
      `Foreman does not reach the discovery image of ${name} (PUT ${url}): ${refused}`,
      {
        target: name,
        actions: [`Boot ${name} into the discovery image, then: d3 deployment retry`],
      },
    );
  }
  await keep(target, fresh(how, null, null), how);
  await checkBoot(foreman, name, located.record, group);
  await convert(foreman, target, group, interim);
  return { outcome: 'done', text: `${name} was converted; Foreman restarts it` };
}

/** Whether the image is gone, as it has to be when its machine restarts. */
async function watch(target: NamedHost, image: Image, provisioning: Provisioning, how: Provisioner): Promise<Progress> {
  const { foreman, site, context } = how;
  const { name } = target;
  const facts = await image.facts(foreman.signal);
  if (facts === null) {
    const gone = provisioning.gone + 1;
    await keep(target, { ...provisioning, gone }, how);
    if (gone >= GONE) return { outcome: 'done', text: `${name} left its discovery image` };
    return later(`${name} does not answer at ${image.url} any more`);
  }
  const fail = async (code: string, why: string, next: string) => {
    await forget(target, context);
    return new D3Error(code, 'failed', why, { target: name, actions: [next] });
  };
  const up = uptimeOf(facts);
  if (up !== null && provisioning.uptime !== null && up < provisioning.uptime)
    throw await fail(
      'IMAGE_CAME_BACK',
      `${name} restarted and came back to its discovery image at ${image.url}`,
      'See which boot configuration the TFTP proxy gives it, and that it boots from the network first, then: d3 deployment retry',
    );
  const waited = context.clock.now().getTime() - Date.parse(provisioning.at);
  if (waited > site.leaveSeconds * SECOND)
    throw await fail(
      'IMAGE_STAYS',
      `${name} still runs its discovery image at ${image.url}, ${site.leaveSeconds} s after it was told to restart`,
      `Restart ${name} by hand, then: d3 deployment retry`,
    );
  if (provisioning.gone > 0) await keep(target, { ...provisioning, gone: 0 }, how);
  return later(`waits until ${name} leaves its discovery image`);
}

/**
 * Whether a machine is installed: looked at, so that what happened before anybody waited counts too.
 * @param seconds from the first look until it took too long
 * @throws D3Error at once where its token expired or its installer told of an error
 */
export async function provisioned(target: NamedHost, seconds: number, how: Provisioner): Promise<Progress> {
  const { foreman, context } = how;
  const { name } = target;
  const begun = noteOf(target, how);
  if (begun?.stage === 'there') return { outcome: 'done', text: `${name} is installed already` };
  const known = begun ?? fresh(how, null, null);
  const now = context.clock.now();
  const since = known.waits ?? now.toISOString();
  const id = Number(target.host.foreman);
  let record: HostRecord;
  let build: { status?: number; status_label?: string } | null;
  try {
    record = await readHost(foreman, id);
    build = (await foreman.call('buildStatus', { params: { id } })) as typeof build;
  } catch (error) {
    const passes = error instanceof D3Error && error.exit === 'depotUnreachable' && known.misses + 1 < MISSES;
    if (!passes) throw error;
    await keep(target, { ...known, waits: since, misses: known.misses + 1 }, how);
    return { outcome: 'later', text: error.message, seconds: POLL_SECONDS };
  }
  const fail = async (code: string, why: string, next: string) => {
    await keep(target, { ...known, waits: null, misses: 0 }, how);
    return new D3Error(code, 'failed', why, { target: name, actions: [next] });
  };
  const { status, status_label: label = '' } = build ?? {};
  if (status === TOKEN_EXPIRED || label === 'Token expired')
    throw await fail(
      'INSTALL_TOKEN_EXPIRED',
      `The installation of ${name} did not report in time: its token expired`,
      'See its console; lengthen token_duration in Foreman if it takes that long. Then provision it again: d3 deployment retry',
    );
  if (status === FAILED || label === 'Installation error')
    throw await fail(
      'INSTALL_FAILED',
      `The installer of ${name} told Foreman of an error`,
      'See what it says in Foreman and at its console, then provision it again: d3 deployment retry',
    );
  if ((status === BUILT || label === 'Installed') && !record.build) {
    // Nobody installed it since it was begun: the flag was taken away.
    if (begun !== null && record.installedAt === begun.installedAt)
      throw await fail(
        'INSTALL_CANCELLED',
        `${name} is not to be installed any more: somebody cancelled its build in Foreman`,
        'Provision it again: d3 deployment retry',
      );
    await installed(target, record, context);
    return { outcome: 'done', text: `${name} is installed` };
  }
  if (now.getTime() - Date.parse(since) > seconds * SECOND)
    throw await fail(
      'INSTALL_TIMEOUT',
      `${name} was not installed within ${seconds} s`,
      'See its console. To wait as long again: d3 deployment retry',
    );
  if (known.waits === null || known.misses > 0) await keep(target, { ...known, waits: since, misses: 0 }, how);
  return { outcome: 'later', text: `waits until ${name} is installed`, seconds: POLL_SECONDS };
}

/** It is another system now: at another address perhaps, and with host keys of its own. */
async function installed(target: NamedHost, { ip }: HostRecord, context: ForemanContext): Promise<void> {
  await changeHostDocument(context, target.name, (host) => {
    const { foreman: _, ...facts } = host.facts;
    const address = ip !== null && isIP(host.address) !== 0 ? ip : host.address;
    return { ...host, address, hostKeys: [], facts };
  });
}

async function sent(target: NamedHost, provisioning: Provisioning, how: Provisioner): Promise<Progress> {
  const at = how.context.clock.now().toISOString();
  await keep(target, { ...provisioning, stage: 'sent', at, gone: 0 }, how);
  return later(`${target.name} was told to restart`);
}

function later(what: string): Progress {
  return { outcome: 'later', text: what, seconds: LOOK_SECONDS };
}

async function interimOf(foreman: Foreman, site: Site, group: Hostgroup, name: string): Promise<number> {
  const wanted = site.interim ?? (await environmentOfGroup(foreman, name, group.title));
  return (await environmentNamed(foreman, wanted)).id;
}

function imageFor({ name, host }: NamedHost, { record }: Located, { foreman, site }: Provisioner): Image {
  const ip = record.ip ?? text(host.facts['ip']) ?? host.address;
  return imageOf({ name, ip, port: site.imagePort, through: site.discoveryProxy, ca: foreman.ca });
}

/** An address may have gone to another machine: that one is not restarted. */
function checkIdentity(name: string, image: Image, facts: Facts, mac: string | null): void {
  const there = bootMacOf(facts);
  if (mac === null || there === null || there === mac.toLowerCase()) return;
  throw new D3Error(
    'IMAGE_OF_ANOTHER',
    'refused',
    `what answers at ${image.url} booted from ${there}, and ${name} is ${mac}: it is another machine`,
    { target: name, actions: ['Look which addresses machines have now: d3admin computer discover'] },
  );
}

function uptimeOf(facts: Facts): number | null {
  const said = Number(facts['uptime_seconds'] ?? facts['system_uptime::seconds'] ?? Number.NaN);
  return Number.isFinite(said) ? said : null;
}

function fresh({ run, context }: Provisioner, installedAt: string | null, uptime: number | null): Provisioning {
  const at = context.clock.now().toISOString();
  return { run, stage: 'begun', at, uptime, gone: 0, installedAt, waits: null, misses: 0 };
}

function noteOf({ host }: NamedHost, { run }: Provisioner): Provisioning | null {
  const { provision: kept } = notesOf(host);
  return kept?.run === run ? kept : null;
}

async function keep({ name }: NamedHost, provisioning: Provisioning, { context }: Provisioner): Promise<void> {
  await note(context, name, (notes) => ({ ...notes, provision: provisioning }));
}

async function forget({ name }: NamedHost, context: ForemanContext): Promise<void> {
  await note(context, name, (notes) => without(notes, 'provision'));
}

/** What changes nothing when it is done twice is done again where nobody knows whether it was. */
async function again(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error;
    await work();
  }
}

function notOurs(name: string, why: string): D3Error {
  return new D3Error('NOT_TO_BE_INSTALLED', 'refused', `${name} is not installed nor restarted by d3: ${why}`, {
    target: name,
    actions: ['Look again what it is: d3admin computer discover'],
  });
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

import { type AdminPort, D3Error, type Json, type Reporter } from '@d3/sdk';
import type { Connected } from '../connector/connection.ts';
import { type JamfAttribute, listRecords } from '../connector/records.ts';
import { pullComputers } from './computers.ts';
import { Links } from './links.ts';
import { mirrorKind, type Wanted } from './records.ts';
import { type AttributeIds, Reports } from './reports.ts';
import { changedAnything, type KindPulled, type Pulled } from './result.ts';
import { attributesIn, groupsIn, isNamed, namedIn, scriptsIn } from './wanted.ts';

export interface PullParts {
  connection: Connected;
  admin: AdminPort;
  settings: Readonly<Record<string, Json>>;
  ui: Reporter;
  signal: AbortSignal;
  dryRun: boolean;
  /** Read every computer, whatever the last pull said. */
  full: boolean;
}

/** Milliseconds that an inventory may take to be seen on every node. */
const OVERLAP = 10 * 60_000;
const HOUR = 3_600_000;

/** Brings what Jamf Pro knows into the depot. Every write by itself is whole: a pull that is cut is gone on with by the next. */
export async function pull(parts: PullParts): Promise<Pulled> {
  const { connection, admin, settings, ui, dryRun, signal } = parts;
  if (!admin.isHere) {
    throw new D3Error('ON_ITS_HOST', 'refused', 'Computers and their reports are brought into the folder of a depot', {
      target: admin.location,
      actions: ['Run it on the depot’s own host, and name its folder: --depot DIR'],
    });
  }
  const links = await Links.read(admin, dryRun);
  const began = connection.clock.now();
  const since = parts.full ? null : sinceOf(links.memory, settings, began);
  const kinds: KindPulled[] = [];
  const mirror = async (kind: KindName, wanted: readonly Wanted[], isSame?: () => boolean) => {
    signal.throwIfAborted();
    ui({ type: 'detail', target: null, text: `${kind}: ${wanted.length} in Jamf Pro` });
    kinds.push(await mirrorKind(kind, wanted, { admin, links, dryRun, ...(isSame === undefined ? {} : { isSame }) }));
  };
  for (const kind of ['category', 'department', 'building', 'site'] as const)
    await mirror(kind, await namedIn(connection, kind), isNamed);
  const attributes = await listRecords(connection, 'attribute');
  const ids = attributeIds(attributes, settings);
  const own = new Set(Object.values(ids));
  // What d3 itself left there is a report, and no attribute to ask for.
  await mirror('ea', attributesIn(attributes.filter(({ id }) => !own.has(id))));
  await mirror('script', await scriptsIn(connection, admin));
  const reports = new Reports(admin, dryRun);
  const computers = await pullComputers({ connection, admin, links, reports, attributes: ids, dryRun, signal, since });
  await mirror('group', await groupsIn(connection, links));
  const times = since === null ? { fullAt: new Date(began).toISOString() } : {};
  const pulled: Pulled = { dryRun, full: since === null, kinds, computers, reports: reports.outcome };
  if (!dryRun) {
    if (changedAnything(pulled)) await admin.publish();
    await links.remember({ ...links.memory, ...times });
  }
  return pulled;
}

type KindName = Parameters<typeof mirrorKind>[0];

/** From which inventory on computers are read, by the server's own times; null: all of them are. */
function sinceOf(memory: Readonly<Record<string, Json>>, settings: PullParts['settings'], now: number): string | null {
  const timeOf = (name: string) => Date.parse(typeof memory[name] === 'string' ? memory[name] : '');
  const [newest, fullAt] = [timeOf('newest'), timeOf('fullAt')];
  const hours = settings['jamf.fullPullHours'] as number;
  // A clock that was ahead once must not put it off for ever.
  if (!(Math.abs(now - fullAt) < hours * HOUR) || Number.isNaN(newest)) return null;
  return new Date(newest - OVERLAP).toISOString();
}

function attributeIds(attributes: readonly JamfAttribute[], settings: PullParts['settings']): AttributeIds {
  const idOf = (setting: string) => {
    const name = settings[setting];
    return typeof name === 'string' ? (attributes.find((one) => one.name === name)?.id ?? null) : null;
  };
  return {
    report: idOf('jamf.reportAttribute'),
    receipts: idOf('jamf.receiptsAttribute'),
    queue: idOf('jamf.queueAttribute'),
  };
}

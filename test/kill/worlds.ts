import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { Request } from '../../src/planner/types.ts';
import type { Payload, Sandbox, SandboxMachine } from '../support/sandbox.ts';

/** One request on a machine with a past, to be cut at every point. */
export interface KillWorld {
  title: string;
  /** Whether the machine runs the scripts of editions. */
  scripts: boolean;
  /** Brings depot and machine to where they are before the request. */
  before: (sandbox: Sandbox, machine: SandboxMachine) => Promise<void>;
  request: Request;
}

const BASENAMES = ['tool', 'plan', 'gauge'];
/** Shared by whoever has them: their content is the same for all. */
const SHARED = ['opt/shared/lib', 'opt/shared/link'];
const EXITS = ['exit 0', 'exit 111', 'exit 3'];

/** Mostly the first, so that most worlds come to something. */
function mostly<T>(plain: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(plain) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

const script = mostly<string | null>(null, ...EXITS);

const edition = fc.record({
  basename: fc.constantFrom(...BASENAMES),
  files: fc.subarray(['run', 'lib/deep', 'lib/other', 'share/', 'Tool.app/Contents/MacOS/Tool'], { minLength: 1 }),
  shared: fc.subarray(SHARED),
  live: mostly(true, false),
  standard: fc.boolean(),
  removeFirst: fc.boolean(),
  reboot: mostly(false, true),
  preInstall: script,
  postInstall: script,
  preRemove: script,
  postRemove: script,
});

type DrawnEdition = typeof edition extends fc.Arbitrary<infer Value> ? Value : never;

const deed = fc.record({
  kind: fc.constantFrom('sync', 'install', 'pilot', 'freeze', 'uninstall'),
  basename: fc.constantFrom(...BASENAMES),
});

type Deed = typeof deed extends fc.Arbitrary<infer Value> ? Value : never;

const last = fc.record({
  kind: fc.constantFrom('sync', 'sync', 'sync', 'install', 'pilot', 'uninstall', 'depilot'),
  basename: fc.constantFrom(...BASENAMES),
  force: fc.boolean(),
  puppies: fc.boolean(),
  leaveOff: mostly(false, true),
});

type Last = typeof last extends fc.Arbitrary<infer Value> ? Value : never;

/** Any depot and machine with a past, and anything asked of it. */
export const killWorlds: fc.Arbitrary<KillWorld> = fc
  .record({
    past: fc.array(fc.oneof(edition, deed), { minLength: 2, maxLength: 7 }),
    news: fc.array(edition, { minLength: 1, maxLength: 3 }),
    request: last,
    scripts: mostly(true, false),
  })
  .map(({ past, news, request, scripts }) => ({
    title: `${request.kind} ${request.basename}`,
    scripts,
    request: requestOf(
      request,
      [...past, ...news].filter((step) => 'files' in step),
    ),
    async before(sandbox, machine) {
      const versions = new Map<string, number>();
      for (const step of [...past, ...news]) {
        if ('files' in step) await add(step, versions, sandbox);
        else await act(step, versions, machine);
      }
    },
  }));

async function add(drawn: DrawnEdition, versions: Map<string, number>, sandbox: Sandbox): Promise<void> {
  const { basename, live, standard, removeFirst, reboot } = drawn;
  const version = (versions.get(basename) ?? 0) + 1;
  versions.set(basename, version);
  const payload: Payload = {};
  for (const file of drawn.files) payload[`opt/${basename}/${file}`] = `${basename} ${version}`;
  for (const file of drawn.shared) payload[file] = 'shared';
  await sandbox.add(basename, String(version), {
    payload,
    live,
    autoGroups: standard ? 'standard' : 'none',
    removeFirst: removeFirst ? 'y' : 'n',
    reboot: reboot ? 'y' : 'n',
    preInstall: scriptFile(drawn.preInstall, sandbox),
    postInstall: scriptFile(drawn.postInstall, sandbox),
    preRemove: scriptFile(drawn.preRemove, sandbox),
    postRemove: scriptFile(drawn.postRemove, sandbox),
  });
}

export function scriptFile(body: string | null, { dir }: Sandbox): string {
  if (body === null) return 'none';
  const folder = path.join(dir, 'scripts');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, body.replaceAll(/\W+/g, '-'));
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  return file;
}

/** What comes of it does not matter: refusals are part of a past. */
async function act({ kind, basename }: Deed, versions: Map<string, number>, machine: SandboxMachine): Promise<void> {
  const newest = `${basename}-${versions.get(basename) ?? 1}-1`;
  if (kind === 'sync') await machine.sync();
  else if (kind === 'install') await machine.install([basename]);
  else if (kind === 'pilot') await machine.pilot([newest]);
  else if (kind === 'uninstall') await machine.uninstall([basename]);
  else await machine.request({ kind: 'freeze', targets: [basename], admin: 'sally' });
}

function requestOf({ kind, basename, force, puppies, leaveOff }: Last, editions: readonly DrawnEdition[]): Request {
  const newest = `${basename}-${editions.filter((drawn) => drawn.basename === basename).length || 1}-1`;
  switch (kind) {
    case 'install':
    case 'pilot': {
      const targets = [kind === 'pilot' ? newest : basename];
      return { kind, targets, admin: 'sally', force, puppies, freeze: false, expiration: null };
    }
    case 'uninstall':
      return { kind, targets: [basename], force };
    case 'depilot':
      return { kind, targets: [basename], force, leaveOff };
    default:
      return { kind: 'sync', force, puppies };
  }
}

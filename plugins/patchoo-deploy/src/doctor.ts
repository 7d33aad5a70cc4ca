import { type AdminPort, D3Error, type DepotDocument, type PluginContext } from '@d3/sdk';
import { bootstrapFiles } from './bootstrap.ts';
import { addressOf } from './notices.ts';
import { readAttributes } from './rules/attributes.ts';
import { fillEvent, isEventSafe } from './rules/events.ts';
import { namePattern, proposedName } from './rules/names.ts';
import { type WrittenSettings, writtenSettings } from './settings.ts';
import { eventsOf } from './steps.ts';

/** One thing that was looked at. */
export type Check = {
  check: string;
  ok: boolean;
  says: string;
};

/** Whether the settings can be used, the depot has what they name, and this machine goes on after a restart. */
export async function examine(admin: AdminPort | null, ports: PluginContext): Promise<Check[]> {
  const settings = await writtenSettings(ports.settings);
  const checks = [...settingChecks(settings), ...(await webhookChecks(settings, ports)), await bootstrapCheck(ports)];
  return admin === null ? checks : [...checks, ...(await depotChecks(settings, admin))];
}

function checked(check: string, work: () => string): Check {
  try {
    return { check, ok: true, says: work() };
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    return { check, ok: false, says: error.message };
  }
}

function settingChecks(settings: WrittenSettings): Check[] {
  return [
    checked('what has to be known', () => {
      const attributes = readAttributes(settings);
      return attributes.length === 0 ? 'nothing' : attributes.map(({ label }) => label).join(', ');
    }),
    checked('events', () => {
      const words = eventsOf(settings).map(({ word }) => word);
      return words.length === 0 ? 'none' : words.join(', ');
    }),
    checked('names', () => {
      namePattern(settings.namePattern);
      const template = settings.nameTemplate;
      if (template === null) return 'as records say';
      proposedName(template, { serial: 'SERIAL', model: 'MODEL' }, {});
      return `proposed by ${template}`;
    }),
  ];
}

/** Nothing is sent: whoever reads there would take it for a machine's. */
async function webhookChecks(settings: WrittenSettings, ports: PluginContext): Promise<Check[]> {
  if (settings.webhookFile === null) return [];
  const check = 'webhook';
  try {
    return [
      { check, ok: true, says: `${settings.webhookKind}, at ${(await addressOf({ ports, settings })).hostname}` },
    ];
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    return [{ check, ok: false, says: error.message }];
  }
}

async function bootstrapCheck({ triggers }: PluginContext): Promise<Check> {
  const { installed } = await triggers.state(bootstrapFiles(''));
  return {
    check: 'goes on after a restart',
    ok: true,
    says: installed ? 'what does that is laid down' : 'what does that is laid down by d3 provision setup',
  };
}

async function depotChecks(settings: WrittenSettings, admin: AdminPort): Promise<Check[]> {
  const attributes = readAttributes(settings);
  const wanted = attributes.map(({ key }) => key);
  const eas = await admin.documents('ea').list();
  const checks = wanted.flatMap((key): Check[] => {
    if (key === 'build') return buildChecks(eas, settings);
    if (!key.startsWith('ea:')) return [];
    const name = key.slice('ea:'.length);
    const found = called(eas, name) !== undefined;
    return [
      {
        check: `extension attribute ${name}`,
        ok: found,
        says: found ? 'is there' : `is missing: d3admin ea add ${name}`,
      },
    ];
  });
  for (const kind of ['department', 'building', 'site'] as const) {
    if (!wanted.includes(kind)) continue;
    const count = (await admin.documents(kind).list()).length;
    checks.push({
      check: `${kind}s`,
      ok: count > 0,
      says: count > 0 ? `${count}` : `there is none: d3admin ${kind} add`,
    });
  }
  return [...checks, ...(await policyChecks(settings, eas, admin))];
}

function called(documents: readonly DepotDocument[], name: string): DepotDocument | undefined {
  return documents.find((document) => document.name.toLowerCase() === name.toLowerCase());
}

/** The builds there are. */
export function buildsIn(eas: readonly DepotDocument[], { buildAttribute }: WrittenSettings): readonly string[] {
  const found = called(eas, buildAttribute);
  return found === undefined ? [] : (found.body['choices'] as readonly string[]);
}

function buildChecks(eas: readonly DepotDocument[], settings: WrittenSettings): Check[] {
  const { buildAttribute } = settings;
  const check = `extension attribute ${buildAttribute}`;
  const found = called(eas, buildAttribute);
  if (found === undefined)
    return [
      { check, ok: false, says: `is missing: d3admin ea add ${buildAttribute} --type choice --choices office,studio` },
    ];
  if (found.body['type'] !== 'choice') return [{ check, ok: false, says: 'has no choices: its type is not choice' }];
  const choices = buildsIn(eas, settings);
  const unsafe = choices.filter((choice) => !isEventSafe(choice));
  if (choices.length === 0) return [{ check, ok: false, says: 'has no choices yet' }];
  return [
    {
      check,
      ok: unsafe.length === 0,
      says: unsafe.length === 0 ? choices.join(', ') : `${unsafe.join(', ')} cannot be part of an event's name`,
    },
  ];
}

/** A build nobody wrote a policy for would be deployed with nothing of its own. */
async function policyChecks(
  settings: WrittenSettings,
  eas: readonly DepotDocument[],
  admin: AdminPort,
): Promise<Check[]> {
  return (await checkPolicies(settings, buildsIn(eas, settings), admin)).map(({ word, ok }) => ({
    check: `policy for ${word}`,
    ok,
    says: ok ? 'is there' : `is missing: d3admin policy add NAME --events ${word}`,
  }));
}

/** Every event that is known before a machine is, and whether it has a policy. */
export async function checkPolicies(
  settings: WrittenSettings,
  builds: readonly string[],
  admin: AdminPort,
): Promise<{ word: string; ok: boolean }[]> {
  const policies = await admin.documents('policy').list();
  const known = new Set(
    policies
      .flatMap(({ name, body }) => [name, ...(body['events'] as readonly string[])])
      .map((word) => word.toLowerCase()),
  );
  const words = eventsOf(settings).flatMap(({ word }) => {
    if (!word.includes('%build%')) return word.includes('%') ? [] : [word];
    return builds.flatMap((build) => {
      const filled = fillEvent(word, { build });
      return filled.kind === 'fire' ? [filled.word] : [];
    });
  });
  return words.map((word) => ({ word, ok: known.has(word.toLowerCase()) }));
}

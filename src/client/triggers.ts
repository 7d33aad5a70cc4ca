import path from 'node:path';
import { D3Error, type TriggerFiles, type TriggerState } from '@d3/sdk';
import type { MachinePaths } from '../platform/paths.ts';
import { type LaidSchedule, layDown, type ScheduleParts, standing, takeAway } from '../platform/schedules.ts';

/** What plugins have d3 started by: laid down and taken away as d3's own schedules are. */

interface TriggerParts extends ScheduleParts {
  paths: MachinePaths;
  plugin: string;
}

export async function installTrigger(
  trigger: TriggerFiles,
  parts: TriggerParts,
  options: { dryRun: boolean; now?: boolean },
): Promise<TriggerState> {
  const laid = laidFor(trigger, parts);
  const { files, active } = await layDown(laid, parts, options);
  return { files, installed: !options.dryRun, active: parts.root === '/' ? active : null };
}

export async function removeTrigger(
  trigger: TriggerFiles,
  parts: TriggerParts,
  options: { dryRun: boolean; leaveRunning?: boolean },
): Promise<TriggerState> {
  const laid = laidFor(trigger, parts);
  const { files } = await takeAway(laid, parts, options);
  return { files, installed: options.dryRun && files.length > 0, active: parts.root === '/' ? false : null };
}

export async function triggerState(trigger: TriggerFiles, parts: TriggerParts): Promise<TriggerState> {
  const laid = laidFor(trigger, parts);
  const [unit] = laid.units;
  const [daemon] = laid.daemons;
  // An agent belongs to sessions that come and go: whether one has it now says nothing.
  const asked = unit !== undefined || daemon !== undefined;
  const timer = { unit: unit?.name ?? '', label: daemon?.label ?? '' };
  const { installed, files, active } = await standing(laid, asked ? parts : { ...parts, root: '' }, timer);
  return { installed, files, active };
}

function laidFor({ files, units = [] }: TriggerFiles, { paths, platform, plugin }: TriggerParts): LaidSchedule {
  const mark = `Written by d3 for ${plugin}`;
  const placed = files.map(({ name, text, agent = false }) => ({
    name,
    agent,
    file: placeOf(name, agent, paths, plugin),
    text,
  }));
  const mac = platform === 'darwin';
  return {
    mark,
    files: Object.fromEntries(placed.map(({ file, name, text }) => [file, marked(text, mark, name)])),
    units: mac ? [] : [...units],
    daemons: mac
      ? placed.flatMap(({ file, name, agent }) => (agent ? [] : [{ label: path.basename(name, '.plist'), file }]))
      : [],
  };
}

const NAME = /^(?:org\.d3\.|d3-)[A-Za-z0-9.@_-]+\.(plist|service|timer|target|desktop)$/;

function placeOf(name: string, agent: boolean, paths: MachinePaths, plugin: string): string {
  const ending = NAME.exec(name)?.[1];
  if (ending === undefined)
    throw new D3Error('TRIGGER_NAME', 'bug', `${plugin} would lay down ${name}, which is no name of a trigger.`, {
      target: plugin,
    });
  if (ending === 'desktop') return path.join(paths.autostart, name);
  if (ending !== 'plist') return path.join(paths.systemdUnits, name);
  return path.join(agent ? paths.launchAgents : path.dirname(paths.launchDaemon), name);
}

/** Only what carries the mark is ever changed or removed. */
function marked(text: string, mark: string, name: string): string {
  if (!name.endsWith('.plist')) return `# ${mark}\n${text}`;
  const [head = '', ...rest] = text.split('\n');
  return [head, `<!-- ${mark} -->`, ...rest].join('\n');
}

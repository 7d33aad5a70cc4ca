import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { D3Error, type Json } from '@d3/sdk';
import type { MachinePaths } from '../platform/paths.ts';
import type { RunProgram } from '../platform/program.ts';
import { MAC_PROGRAMS } from '../platform/programs.ts';
import { ancestorSettings } from './ancestor.ts';
import { parseFile, refuseUntrusted, textOf } from './load.ts';
import { notTooDeep } from './plain-data.ts';
import { pluginSettings } from './plugin-settings.ts';
import { DEFAULT_SETTINGS, definitionOf, type Settings, valuesIn } from './settings.ts';

/** Only property lists need a program; no other start is to load what runs them. */
const runWhenNeeded: RunProgram = async (call) => (await import('../platform/program.ts')).runProgram(call);

/** Where configuration may stand; part of a machine's paths. */
export type ConfigPlaces = Pick<MachinePaths, 'root' | 'config' | 'managedConfig' | 'ancestorConfig'>;

/** Where a value comes from: nothing else says (`default`), the ancestor's files, the own one, or whoever manages the machine. */
export interface Origin {
  layer: 'default' | 'ancestor' | 'file' | 'managed';
  /** The file; null for a default. */
  place: string | null;
}

/** A configuration as a whole: what is set, where from, and all that is wrong with it or should be known of it. */
export interface Configuration {
  settings: Settings;
  /** What is set of plugins' settings, by name. */
  ofPlugins: ReadonlyMap<string, unknown>;
  /** By name of the setting. */
  origins: ReadonlyMap<string, Origin>;
  /** Each with its file. */
  problems: { place: string; text: string }[];
  /** What of the ancestor's files means nothing here, and why. */
  notes: { place: string; text: string }[];
}

interface Layer {
  layer: Exclude<Origin['layer'], 'default'>;
  place: string;
  values: Map<string, unknown>;
  problems: string[];
  notes: string[];
}

/**
 * Reads all that is configured, the layer that counts least first. Fixed places only, JSON and YAML only, never code.
 * @throws D3Error refused when others may change a file, usage when one cannot be read
 */
export async function readConfiguration(places: ConfigPlaces, run: RunProgram = runWhenNeeded): Promise<Configuration> {
  const settings: Settings = { ...DEFAULT_SETTINGS };
  const ofPlugins = new Map<string, unknown>();
  const origins = new Map<string, Origin>();
  const problems: Configuration['problems'] = [];
  const notes: Configuration['notes'] = [];
  for (const { layer, place, values, problems: wrong, notes: said } of await layers(places, run)) {
    problems.push(...wrong.map((text) => ({ place, text })));
    notes.push(...said.map((text) => ({ place, text })));
    for (const [name, value] of values) {
      const definition = definitionOf(name);
      if (definition !== undefined && 'key' in definition) Object.assign(settings, { [definition.key]: value });
      else ofPlugins.set(name, value);
      origins.set(name, { layer, place });
    }
  }
  return { settings, ofPlugins, origins, problems, notes };
}

/** The settings alone. @throws D3Error as {@link readConfiguration}, and usage when anything is wrong with them */
export async function loadSettings(places: ConfigPlaces): Promise<Settings> {
  const { settings, problems } = await readConfiguration(places);
  if (problems.length > 0) throw configInvalid(problems);
  return settings;
}

/** The settings of one plugin by name. @throws D3Error as {@link loadSettings} */
export async function loadPluginSettings(places: ConfigPlaces, plugin: string): Promise<Record<string, Json>> {
  const { ofPlugins, problems } = await readConfiguration(places);
  if (problems.length > 0) throw configInvalid(problems);
  const own = pluginSettings().filter((setting) => setting.plugin === plugin);
  return Object.fromEntries(
    own.map(({ name, default: standard }) => [name, (ofPlugins.get(name) ?? standard) as Json]),
  );
}

/** Every problem at once, under the file of the first. */
export function configInvalid(problems: Configuration['problems']): D3Error {
  const [first] = problems;
  const texts = problems.map(({ place, text }) => (place === first?.place ? text : `${text} (${place})`));
  return new D3Error('CONFIG_INVALID', 'usage', `The configuration is not right: ${texts.join('; ')}.`, {
    target: first?.place ?? 'configuration',
    actions: ['see all of it: d3 config validate'],
  });
}

/** The own configuration file: the first that is there. */
export function ownFile({ config }: Pick<ConfigPlaces, 'config'>): string | null {
  return config.find(isThere) ?? null;
}

async function layers(places: ConfigPlaces, run: RunProgram): Promise<Layer[]> {
  const { root } = places;
  const found: Layer[] = ancestorLayers(places);
  const own = ownFile(places);
  if (own !== null) {
    refuseUntrusted(own, root);
    found.push(layerOf('file', own, await parseFile(own)));
  }
  for (const place of managedFiles(places)) {
    refuseUntrusted(place, root);
    const document = place.endsWith('.plist') ? await plistAsJson(place, run) : await parseFile(place);
    found.push(layerOf('managed', place, document));
  }
  return found;
}

function layerOf(layer: Layer['layer'], place: string, document: unknown): Layer {
  return { layer, place, ...valuesIn(document) };
}

/** Both of the ancestor's files count for less than d3's own. */
function ancestorLayers({ root, ancestorConfig: { d3, server } }: ConfigPlaces): Layer[] {
  const serverFile = server.find(isThere);
  const files = [
    ...(serverFile === undefined ? [] : [{ place: serverFile, kind: 'server' as const }]),
    ...(isThere(d3) ? [{ place: d3, kind: 'd3' as const }] : []),
  ];
  return files.map(({ place, kind }) => {
    refuseUntrusted(place, root);
    return { layer: 'ancestor', place, ...ancestorSettings(textOf(place), kind) };
  });
}

/** A file that is there, and the .json files of a folder, in the order of their names. */
function managedFiles({ managedConfig }: ConfigPlaces): string[] {
  return managedConfig.flatMap((place) => {
    const stat = lstatSync(place, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    if (!stat.isDirectory()) return [place];
    const names = readdirSync(place).filter((name) => name.endsWith('.json'));
    return names.toSorted().map((name) => path.join(place, name));
  });
}

/** Property lists are Apple's: its own program reads them, in either form. */
async function plistAsJson(place: string, run: RunProgram): Promise<unknown> {
  // Not left to the program to find out: it would wait for a pipe.
  textOf(place);
  const args = ['-convert', 'json', '-o', '-', place];
  const { code, stdout, lastLines } = await run({ program: MAC_PROGRAMS.plutil, args, timeout: 10_000 });
  try {
    if (code === 0) return notTooDeep(JSON.parse(stdout));
  } catch {
    // Said below, as when plutil says so itself.
  }
  throw new D3Error('CONFIG_INVALID', 'usage', `The managed preferences cannot be read: ${lastLines.join(' ')}.`, {
    target: place,
  });
}

function isThere(place: string): boolean {
  return lstatSync(place, { throwIfNoEntry: false }) !== undefined;
}

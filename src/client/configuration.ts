import path from 'node:path';
import { D3Error, type Json } from '@d3/sdk';
import {
  type ConfigPlaces,
  type Configuration,
  configInvalid,
  type Origin,
  ownFile,
  readConfiguration,
} from '../config/layers.ts';
import { refuseUntrusted, textOf } from '../config/load.ts';
import { pluginSettings } from '../config/plugin-settings.ts';
import { definitionOf, SETTING_DEFINITIONS, unknownSetting, valueFromText } from '../config/settings.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { replaceFile } from '../platform/replace-file.ts';

/** One setting as it is in force. */
export interface SettingShown {
  name: string;
  value: Json;
  origin: Origin;
  description: string;
}

/** All settings in force, with where each comes from. */
export function settingsShown({ settings, ofPlugins, origins }: Configuration): SettingShown[] {
  const own = SETTING_DEFINITIONS.map(({ key, name, description }) => ({ name, value: settings[key], description }));
  const others = pluginSettings().map(({ name, default: standard, description }) => ({
    name,
    value: ofPlugins.get(name) ?? standard,
    description,
  }));
  return [...own, ...others].map(({ name, value, description }) => ({
    name,
    // It was read from JSON or YAML, or is a default that would be written there.
    value: value as Json,
    origin: origins.get(name) ?? { layer: 'default', place: null },
    description,
  }));
}

/** @throws D3Error notFound (34) for a name that is none */
export function settingShown(name: string, configuration: Configuration): SettingShown {
  const found = settingsShown(configuration).find((setting) => setting.name === name);
  if (found !== undefined) return found;
  throw new D3Error('NO_SETTING', 'notFound', `${unknownSetting(name)}.`, { target: name });
}

/**
 * Sets one setting in the machine's own configuration file, or unsets it; the rest of the file stays as it is.
 * @param text as it is typed; null to unset it
 * @returns the file, and what is written into it: undefined when it is unset
 * @throws D3Error notFound for a name that is none, usage for a value that is none, refused for one that is managed
 */
export async function changeSetting(
  name: string,
  text: string | null,
  places: ConfigPlaces,
  { dryRun }: { dryRun: boolean } = { dryRun: false },
): Promise<{ file: string; written: Json | undefined }> {
  const definition = definitionOf(name);
  if (definition === undefined) {
    throw new D3Error('NO_SETTING', 'notFound', `${unknownSetting(name)}.`, { target: name });
  }
  const { origins } = await readConfiguration(places);
  const origin = origins.get(name);
  if (origin?.layer === 'managed') {
    throw new D3Error('SETTING_MANAGED', 'refused', `${name} is managed: what is set here would not count.`, {
      target: name,
      actions: [`change it where the machine is managed from; it comes from ${origin.place}`],
    });
  }
  const typed = text === null ? null : valueFromText(definition, text);
  if (typed !== null && 'problem' in typed) {
    throw new D3Error('SETTING_VALUE', 'usage', `${typed.problem}.`, { target: name });
  }
  const file = ownFile(places) ?? (places.config[0] as string);
  const written = typed === null ? undefined : typed.value;
  await rewrite(file, name, written, places, dryRun);
  return { file, written: written as Json | undefined };
}

/** @throws D3Error usage listing every problem */
export function requireSound({ problems }: Configuration): void {
  if (problems.length > 0) throw configInvalid(problems);
}

async function rewrite(
  file: string,
  name: string,
  value: unknown,
  { root, config }: ConfigPlaces,
  dryRun: boolean,
): Promise<void> {
  const isThere = ownFile({ config }) !== null;
  if (isThere) refuseUntrusted(file, root);
  const text = isThere ? textOf(file) : '';
  const changed = file.endsWith('.json')
    ? changedJson(text, name, value, file)
    : await changedYaml(text, name, value, file);
  if (dryRun) return;
  try {
    makeFolder(path.dirname(file), 0o755);
    replaceFile(file, changed);
  } catch (error) {
    throw new D3Error(
      'CONFIG_ACCESS',
      'notAuthorised',
      `The configuration cannot be written: ${(error as Error).message}.`,
      {
        target: file,
        actions: ['run the command as root, or as the owner of --root'],
        cause: error,
      },
    );
  }
}

type Tree = Record<string, unknown>;

function changedJson(text: string, name: string, value: unknown, file: string): string {
  let document: unknown;
  try {
    document = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw unreadable(file, error);
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw unreadable(file, new Error('it is no list of names'));
  const tree = document as Tree;
  // As it is written there already: dotted or nested.
  delete tree[name];
  const parts = name.split('.');
  const last = parts.pop() as string;
  let at = tree;
  for (const part of parts) {
    if (typeof at[part] !== 'object' || at[part] === null) {
      if (value === undefined) return `${JSON.stringify(tree, null, 2)}\n`;
      at[part] = {};
    }
    at = at[part] as Tree;
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
  return `${JSON.stringify(tree, null, 2)}\n`;
}

async function changedYaml(text: string, name: string, value: unknown, file: string): Promise<string> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw unreadable(file, problem);
  document.delete(name);
  if (value === undefined) document.deleteIn(name.split('.'));
  else document.setIn(name.split('.'), value);
  return document.toString();
}

function unreadable(file: string, error: unknown): D3Error {
  return new D3Error('CONFIG_INVALID', 'usage', `The configuration cannot be read: ${(error as Error).message}.`, {
    target: file,
    cause: error,
  });
}

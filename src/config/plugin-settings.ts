import type { Json, SettingDeclaration } from '@d3/sdk';
import type { SettingDefinition } from './settings.ts';

/** A setting that a plugin brings. */
export interface PluginSetting extends SettingDefinition {
  /** Name of the plugin. */
  plugin: string;
  default: Json;
  ancestor: { key: string; words: readonly [string, string] | null } | null;
}

/** What is needed of an oclif plugin to find the settings it declares. */
interface DeclaringPlugin {
  name: string;
  pjson: { oclif?: unknown };
}

/**
 * Sections of the plugins that come with d3. In a d3 without them, in safe mode for one, what is configured for them means nothing
 * and is no mistake.
 */
const SECTIONS = ['puppytime', 'expiration', 'jamf', 'provision', 'deployment', 'foreman'];

let plugins: () => Iterable<DeclaringPlugin> = () => [];
let found: PluginSetting[] | null = null;

/** Says which plugins there are in this start; they are looked at when a setting is asked for that is none of d3's own. */
export function settingsComeFrom(source: () => Iterable<DeclaringPlugin>): void {
  plugins = source;
  found = null;
}

/** Every setting that plugins declare; of two with one name the first counts. */
export function pluginSettings(): readonly PluginSetting[] {
  if (found !== null) return found;
  const byName = new Map<string, PluginSetting>();
  for (const plugin of plugins())
    for (const setting of declaredBy(plugin)) if (!byName.has(setting.name)) byName.set(setting.name, setting);
  found = [...byName.values()];
  return found;
}

/** Whether a name belongs to a plugin of d3's own that is not here. */
export function isOfAbsentPlugin(name: string): boolean {
  const [section = ''] = name.split('.');
  return SECTIONS.includes(section) && !pluginSettings().some((setting) => setting.name.startsWith(`${section}.`));
}

/** What a plugin declares in a wrong way is not there. */
function declaredBy({ name: plugin, pjson }: DeclaringPlugin): PluginSetting[] {
  const { d3 } = (pjson.oclif ?? {}) as { d3?: { settings?: Record<string, SettingDeclaration> } };
  return Object.entries(d3?.settings ?? {}).flatMap(
    ([name, { kind, default: standard = null, description, ancestor }]) => {
      if (!/^[a-z][A-Za-z0-9]*\.[a-z][A-Za-z0-9]*$/.test(name) || !isKind(kind) || typeof description !== 'string')
        return [];
      const from =
        ancestor === undefined ? null : typeof ancestor === 'string' ? { key: ancestor, words: null } : ancestor;
      return [{ plugin, name, kind, description, default: standard, ancestor: from }];
    },
  );
}

function isKind(kind: unknown): kind is SettingDeclaration['kind'] {
  if (typeof kind === 'string') return ['text', 'list', 'path'].includes(kind);
  const { oneOf, from, to } = (kind ?? {}) as { oneOf?: unknown; from?: unknown; to?: unknown };
  return Array.isArray(oneOf) || (Number.isSafeInteger(from) && Number.isSafeInteger(to));
}

import { type PluginSetting, pluginSettings } from './plugin-settings.ts';
import { definitionOf, type SettingDefinition, valueProblem } from './settings.ts';

/** What became of a key of the ancestor: a setting of d3, a plugin's matter, or nothing any more, and why. */
type Fate =
  | { setting: string; as?: 'list' | 'number' | 'switch' | 'answer' }
  | { plugin: string }
  | { dropped: string };

const NO_DATABASE = 'd3 asks no database of Jamf Pro';
const BY_CREDENTIALS = 'a depot is asked with http.credentials';

const D3_CONF: Readonly<Record<string, Fate>> = {
  log_file: { setting: 'log.file' },
  log_level: { setting: 'log.level' },
  log_timestamp_format: { setting: 'log.timestampFormat' },
  client_prohibited_admin_names: { setting: 'prohibitedAdminNames', as: 'list' },
  client_jss_ro_user: { plugin: 'jamf' },
  client_jss_ropw_path: { plugin: 'jamf' },
  client_db_ro_user: { dropped: NO_DATABASE },
  client_db_ropw_path: { dropped: NO_DATABASE },
  client_distpoint_ropw_path: { dropped: BY_CREDENTIALS },
  client_http_ropw_path: { dropped: BY_CREDENTIALS },
  client_try_cloud_distpoint: { dropped: 'mirrors say where packages come from' },
  client_expiration_allowed: { plugin: 'expiration' },
  client_expiration_policy: { plugin: 'expiration' },
  puppy_notification_policy: { plugin: 'puppytime' },
  puppy_notification_frequency: { plugin: 'puppytime' },
  puppy_last_notification: { dropped: 'it is no configuration: d3 keeps it in its state' },
  puppy_reboot_policy: { plugin: 'puppytime' },
  puppy_notify_image_path: { plugin: 'puppytime' },
  puppy_optout_seconds: { plugin: 'puppytime' },
  puppy_optout_text: { plugin: 'puppytime' },
  puppy_optout_image_path: { plugin: 'puppytime' },
  puppy_slideshow_folder_path: { plugin: 'puppytime' },
  puppy_display_captions: { plugin: 'puppytime' },
  puppy_no_captions_text: { plugin: 'puppytime' },
  puppy_image_size: { plugin: 'puppytime' },
  puppy_title: { plugin: 'puppytime' },
  puppy_display_secs: { plugin: 'puppytime' },
  notification_image_path: { dropped: 'nothing ever used it' },
  jss_default_pkg_category: { dropped: 'it is each admin’s own: d3admin config category NAME' },
  jss_default_script_category: { dropped: 'scripts have no category' },
  admin_make_live_script: { setting: 'live.script' },
  admin_auto_clean: { setting: 'live.clean', as: 'switch' },
  admin_auto_clean_keep_deprecated: { setting: 'live.keepDeprecated', as: 'number' },
  admin_auto_clean_keep_latest_pilots: { setting: 'live.keepLatestPilots', as: 'answer' },
  report_receipts_ext_attr_name: { plugin: 'jamf' },
  report_puppyq_ext_attr_name: { plugin: 'jamf' },
  report_db_server: { dropped: NO_DATABASE },
};

const SERVER_CONF: Readonly<Record<string, Fate>> = {
  api_server_name: { plugin: 'jamf' },
  api_server_port: { plugin: 'jamf' },
  api_ssl_version: { plugin: 'jamf' },
  api_verify_cert: { plugin: 'jamf' },
  api_username: { plugin: 'jamf' },
  api_timeout_open: { plugin: 'jamf' },
  api_timeout: { plugin: 'jamf' },
  db_server_name: { dropped: NO_DATABASE },
  db_server_port: { dropped: NO_DATABASE },
  db_server_socket: { dropped: NO_DATABASE },
  db_username: { dropped: NO_DATABASE },
  db_name: { dropped: NO_DATABASE },
  db_connect_timeout: { dropped: NO_DATABASE },
  db_read_timeout: { dropped: NO_DATABASE },
  db_write_timeout: { dropped: NO_DATABASE },
};

/**
 * Reads a file of the ancestor: `key: value` on each line, `#` and empty lines left out, the last of a key counts, an empty value
 * unsets it. Pure.
 * @returns what of it d3 takes over, what is wrong with that, and what becomes of the rest
 */
export function ancestorSettings(
  text: string,
  kind: 'd3' | 'server',
): { values: Map<string, unknown>; problems: string[]; notes: string[] } {
  const fates = kind === 'd3' ? D3_CONF : SERVER_CONF;
  const values = new Map<string, unknown>();
  const problems: string[] = [];
  const notes: string[] = [];
  const take = (definition: SettingDefinition, key: string, value: unknown): void => {
    const problem = valueProblem(definition, value);
    if (problem === null) values.set(definition.name, value);
    else problems.push(`${key}: ${problem}`);
  };
  for (const [key, said] of linesOf(text)) {
    const fate = Object.hasOwn(fates, key) ? fates[key] : undefined;
    if (fate === undefined) notes.push(`${key} is no key of this file, and was none before`);
    else if ('plugin' in fate) {
      const setting = pluginSettings().find(({ ancestor }) => ancestor?.key === key);
      if (setting === undefined) notes.push(`${key} belongs to the plugin ${fate.plugin}`);
      else take(setting, key, pluginValue(setting, said));
    } else if ('dropped' in fate) notes.push(`${key} means nothing any more: ${fate.dropped}`);
    else {
      const definition = definitionOf(fate.setting);
      if (definition !== undefined) take(definition, key, valueAs(fate.as, said));
    }
  }
  return { values, problems, notes };
}

function linesOf(text: string): Map<string, string> {
  const lines = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, key, value = ''] = /^\s*([^#:\s][^:]*?)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined) continue;
    if (value === '') lines.delete(key);
    else lines.set(key, value);
  }
  return lines;
}

/** Booleans of the ancestor are `true` and `false` and nothing else. */
function valueAs(as: 'list' | 'number' | 'switch' | 'answer' | undefined, said: string): unknown {
  if (as === 'list') return listOf(said);
  if (as === 'number') return /^\d+$/.test(said) ? Number(said) : said;
  if (as === 'switch') return said === 'true' ? 'on' : said === 'false' ? 'off' : said;
  if (as === 'answer') return said === 'true' ? 'yes' : said === 'false' ? 'no' : said;
  return said;
}

function pluginValue({ kind, ancestor }: PluginSetting, said: string): unknown {
  if (kind === 'list') return listOf(said);
  if (typeof kind === 'object' && 'from' in kind) return /^-?\d+$/.test(said) ? Number(said) : said;
  const { words = null } = ancestor ?? {};
  return words === null ? said : said === 'true' ? words[0] : said === 'false' ? words[1] : said;
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

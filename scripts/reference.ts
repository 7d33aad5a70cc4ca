/**
 * docs/reference.md is made from what it is about: the command snapshot, the exit codes, the settings and the
 * environment variables; schemas/settings.json from the settings alone. `--write` renews them; without, this compares them and
 * fails on any difference.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EXIT_CODES } from '@d3/sdk';
import { flagVariable, INPUT_VARIABLES } from '../src/cli/flags.ts';
import { pluginSettings, settingsComeFrom } from '../src/config/plugin-settings.ts';
import { DEFAULT_SETTINGS, SETTING_DEFINITIONS, type SettingDefinition } from '../src/config/settings.ts';
import { type Argument, type Command, type Flag, knownCommands } from './known-commands.ts';

const root = path.dirname(import.meta.dirname);
const file = path.join(root, 'docs', 'reference.md');
const schemaFile = path.join(root, 'schemas', 'settings.json');

const SECTIONS = ['On this machine', 'For admins', 'Packages', 'Other commands'] as const;

function sectionOf({ id, flags }: Command): (typeof SECTIONS)[number] {
  if (flags['root'] !== undefined) return 'On this machine';
  if (id.startsWith('admin:') || id.startsWith('depot:')) return 'For admins';
  return id.startsWith('pkg:') ? 'Packages' : 'Other commands';
}

const COMMON = {
  machine: 'Common flags on this machine',
  admin: 'Common flags under admin',
  every: 'Common flags elsewhere',
} as const;

function commonOf({ flags }: Command): keyof typeof COMMON {
  if (flags['root'] !== undefined) return 'machine';
  return flags['admin']?.helpGroup === 'GLOBAL' ? 'admin' : 'every';
}

const VARIABLES: Readonly<Record<string, string>> = {
  D3_ROOT: 'The root of the machine to work on, as `--root`.',
  D3_DEPOT: 'The folder of the depot, as `--depot`.',
  D3_CREDENTIALS:
    '`ACCOUNT:SECRET` for a depot over the network; counts more than what `d3admin config credentials` kept.',
  D3_DEPOT_DATABASE:
    '`postgres://` address of the database of the depot; it may hold the password, and counts before `database.url`.',
  D3_RUN: 'Set for scripts that d3 starts: a d3 started by one is part of that run.',
  D3_SAFE_MODE: '`1`: all plugins are left out, those that come with d3 too, and `sync` refuses to run.',
};

function cell(text: string): string {
  return text.replaceAll('\n', ' ').replaceAll('|', '\\|');
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** GitHub's name for a heading. */
function anchor(heading: string): string {
  return heading.toLowerCase().replaceAll(' ', '-');
}

function typed({ id }: Command): string {
  return id.startsWith('admin:') ? `d3admin ${id.slice('admin:'.length).replaceAll(':', ' ')}` : `d3 ${words(id)}`;
}

function words(id: string): string {
  return id.replaceAll(':', ' ');
}

function usage(command: Command): string {
  const args = Object.values(command.args).map(({ name, multiple, required }) => {
    const word = `${name.toUpperCase()}${multiple === true ? '...' : ''}`;
    return required === true ? word : `[${word}]`;
  });
  return [typed(command), ...args, '[options]'].join(' ');
}

function argumentText({ description = '', options, default: standard }: Argument): string {
  const oneOf = options === undefined ? '' : ` One of ${options.join(', ')}.`;
  return `${description}${oneOf}${standard === undefined ? '' : ` Default: ${code(standard)}.`}`;
}

function flagRows(flags: readonly Flag[]): string[][] {
  return flags
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ char, name, aliases = [], type, helpValue = 'VALUE', summary = '', required, default: standard }) => {
      const names = [...(char === undefined ? [] : [`-${char}`]), `--${name}`, ...aliases.map((alias) => `--${alias}`)];
      const needed = required === true ? ' Needed.' : '';
      const shown = standard === undefined || standard === '' ? '' : ` Default: ${code(standard)}.`;
      return [names.map(code).join(', '), type === 'option' ? code(helpValue) : '', `${summary}${needed}${shown}`];
    });
}

function flagTable(flags: readonly Flag[]): string {
  return table(['Flag', 'Value', 'What it does'], flagRows(flags));
}

function commandText(command: Command): string {
  const own = Object.values(command.flags).filter((flag) => flag.helpGroup !== 'GLOBAL');
  const args = Object.values(command.args);
  const common = COMMON[commonOf(command)];
  const examples = (command.examples ?? []).map((example) => example.replaceAll('<%= config.bin %>', 'd3'));
  const parts = [
    `### ${typed(command)}`,
    command.summary,
    ['```', usage(command), '```'].join('\n'),
    command.description ?? '',
    command.aliases.length === 0
      ? ''
      : `Also: ${command.aliases.map((alias) => code(`d3 ${words(alias)}`)).join(', ')}.`,
    args.length === 0
      ? ''
      : table(
          ['Argument', 'What it is'],
          args.map((arg) => [code(arg.name.toUpperCase()), argumentText(arg)]),
        ),
    own.length === 0 ? '' : flagTable(own),
    `And the [${common.toLowerCase()}](#${anchor(common)}).`,
    examples.length === 0 ? '' : ['```sh', ...examples, '```'].join('\n'),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function commandsText(commands: readonly Command[]): string[] {
  return SECTIONS.flatMap((section) => [
    `## ${section}`,
    ...commands.filter((command) => sectionOf(command) === section).map(commandText),
  ]);
}

/** The common flags are told once; commands of a kind must therefore have the same. */
function commonText(commands: readonly Command[]): string[] {
  return Object.entries(COMMON).map(([kind, heading]) => {
    const tables = commands
      .filter((command) => commonOf(command) === kind)
      .map((command) => flagTable(Object.values(command.flags).filter((flag) => flag.helpGroup === 'GLOBAL')));
    const [first = '', ...different] = [...new Set(tables)];
    if (different.length > 0) throw new Error(`commands do not agree on the ${heading.toLowerCase()}`);
    return `### ${heading}\n\n${first}`;
  });
}

function overview(commands: readonly Command[]): string {
  const rows = SECTIONS.flatMap((section) =>
    commands
      .filter((command) => sectionOf(command) === section)
      .map((command) => [`[${typed(command)}](#${anchor(typed(command))})`, command.summary]),
  );
  return table(['Command', ''], rows);
}

function variablesText(): string {
  const rows = INPUT_VARIABLES.map((name) => {
    const meaning = VARIABLES[name];
    if (meaning === undefined) throw new Error(`scripts/reference.ts does not say what ${name} is for`);
    return [code(name), meaning];
  });
  const flag = `The value of the flag, where the command line does not give it: ${code(flagVariable('dry-run'))} is for ${code('--dry-run')}. A switch is on with ${['y', 'yes', 'true', '1'].map(code).join(', ')}.`;
  return table(['Variable', 'What it is'], [[code('D3_FLAG_<NAME>'), flag], ...rows]);
}

function kindText(kind: SettingDefinition['kind']): string {
  if (typeof kind === 'string') return kind;
  return 'oneOf' in kind ? kind.oneOf.map(code).join(', ') : `${kind.from} to ${kind.to}`;
}

function allSettings() {
  const own = SETTING_DEFINITIONS.map(({ key, ...rest }) => ({ ...rest, standard: DEFAULT_SETTINGS[key] as unknown }));
  const others = pluginSettings().map(({ default: standard, ...rest }) => ({ ...rest, standard: standard as unknown }));
  return [...own, ...others];
}

function settingsText(): string {
  const rows = allSettings().map(({ name, kind, description, standard }) => {
    const unset = standard === null || (Array.isArray(standard) && standard.length === 0);
    return [
      code(name),
      kindText(kind),
      unset ? '' : code(typeof standard === 'string' ? standard : JSON.stringify(standard)),
      `${description}.`,
    ];
  });
  return table(['Setting', 'Value', 'Default', 'What it is'], rows);
}

/** What a value of a setting is, for whatever fills in forms by a schema. */
function kindSchema(kind: SettingDefinition['kind']): object {
  if (typeof kind === 'object')
    return 'oneOf' in kind
      ? { type: 'string', enum: kind.oneOf }
      : { type: 'integer', minimum: kind.from, maximum: kind.to };
  if (kind === 'list') return { type: 'array', items: { type: 'string' } };
  if (kind === 'path') return { type: 'string', pattern: '^/' };
  if (kind === 'text') return { type: 'string' };
  const properties = { file: { type: 'string' }, command: { type: 'array', items: { type: 'string' } } };
  return { type: 'object', properties, additionalProperties: false };
}

interface SchemaLevel {
  title?: string;
  type: 'object';
  additionalProperties: false;
  properties: Record<string, object>;
}

/** All settings as one document has them: d3's own file, and the managed preferences of a Mac. */
function settingsSchema(): string {
  const level = (title?: string): SchemaLevel => ({
    ...(title === undefined ? {} : { title }),
    type: 'object',
    additionalProperties: false,
    properties: {},
  });
  const whole = level('Settings of d3 (org.d3)');
  for (const { name, kind, description, standard } of allSettings()) {
    const words = name.split('.');
    const last = words.pop() as string;
    let at = whole;
    for (const word of words) {
      at.properties[word] ??= level(word);
      at = at.properties[word] as SchemaLevel;
    }
    const unset = standard === null || standard === undefined;
    at.properties[last] = { title: name, description, ...kindSchema(kind), ...(unset ? {} : { default: standard }) };
  }
  return `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...whole }, null, 2)}\n`;
}

function referenceText(commands: readonly Command[]): string {
  const codes = Object.values(EXIT_CODES).map(({ code: number, meaning }) => [String(number), meaning]);
  const parts = [
    '# Reference',
    'Every command, flag, variable, exit code and setting. This file is made from the program: `npm run manifest` renews it. How things are done is in the [guides](README.md).',
    'Options may stand before the command or behind it. `d3admin ACTION` is `d3 admin ACTION`. Behind `--` nothing is an option.',
    overview(commands),
    ...commandsText(commands),
    '## Common flags',
    ...commonText(commands),
    '## Environment',
    'Any other `D3_*` variable is ignored. How to use them is in [policies and CI](guides/ci.md).',
    variablesText(),
    '## Exit codes',
    table(['Code', 'Meaning'], codes),
    'Several targets: 0 when all succeed, the shared code when all fail alike, else 40. Several problems of one command line: 2 when a flag is missing or malformed, else 34 when a name is unknown, else 30.',
    '## Settings',
    'In `etc/d3.json`, `etc/d3.yaml` or `etc/d3.yml` under the root; the first that is there counts. A dot is a level: `{"sync": {"pilots": "hold"}}`. An unknown name is an error.',
    settingsText(),
  ];
  return `${parts.join('\n\n')}\n`;
}

const { commands, plugins } = await knownCommands(root);
settingsComeFrom(() => plugins);
const made = referenceText(commands);
const schema = settingsSchema();
if (process.argv.includes('--write')) {
  writeFileSync(file, made);
  writeFileSync(schemaFile, schema);
  process.stdout.write(`${commands.length} commands are in docs/reference.md.\n`);
} else if (readFileSync(schemaFile, 'utf8') !== schema) {
  process.stderr.write('schemas/settings.json does not tell the settings as they are: npm run manifest\n');
  process.exit(1);
} else if (!existsSync(file) || readFileSync(file, 'utf8') !== made) {
  process.stderr.write(
    'docs/reference.md does not tell the commands as they are. Look at the change and run: npm run manifest\n',
  );
  process.exit(1);
}

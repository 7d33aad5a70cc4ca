import { stripVTControlCharacters } from 'node:util';
import { D3Error, EXIT_CODES } from '@d3/sdk';
import { type Command, CommandHelp, Help } from '@oclif/core';
import { closest } from '../terminal/errors.ts';
import { INPUT_VARIABLES } from './flags.ts';
import { usageLine } from './usage.ts';

/** A command as it is listed. */
export interface ListedCommand {
  command: string;
  aliases: string[];
  section: string;
  summary: string;
}

/** The headings of `d3 help` that come first, in this order; plugins' own follow by name. */
const FIRST_SECTIONS = ['On this machine', 'For admins'];
const LAST_SECTION = 'Other commands';

/** oclif keeps a command's own statics and not always what it inherits, so the base is told by its flags. */
function sectionOf(command: Command.Loadable): string {
  if (typeof command['helpSection'] === 'string') return command['helpSection'];
  if (command.flags['root'] !== undefined) return 'On this machine';
  return command.id.startsWith('admin:') ? 'For admins' : LAST_SECTION;
}

/** What `d3 help` says. It makes text; who prints it, and where, is the caller's business. */
export default class D3Help extends Help {
  protected override CommandHelpClass = D3CommandHelp;

  constructor(...given: ConstructorParameters<typeof Help>) {
    super(...given);
    const { render } = this;
    // Few texts have anything to be filled in, most of those the program's name: making a template of each would take most of the
    // time of `d3 help`.
    this.render = (text) => {
      const named = text.replaceAll('<%= config.bin %>', this.config.bin);
      return named.includes('<%') ? render(named) : named;
    };
  }

  /**
   * @param words what help is wanted about; nothing for the list of all commands
   * @param extended with everything there is to say: environment and exit codes
   * @throws {D3Error} UNKNOWN_COMMAND when there is no such command or topic
   */
  about(words: readonly string[], extended = false): string {
    const id = words.join(':');
    const command = id === '' ? undefined : this.config.findCommand(id);
    const footer = extended ? [this.#environment(), exitCodes()] : [];
    if (id === '') return joined([this.#root(), ...(extended ? footer : [exitCodes()])]);
    if (command !== undefined) {
      const below = this.list().filter((listed) => listed.command.startsWith(`${words.join(' ')} `));
      return joined([this.#command(command), sections(below), ...footer]);
    }
    if (this.config.findTopic(id) !== undefined) return joined([this.usage(words), ...footer]);
    const near = closest(words.join(' '), [...this.list().map((listed) => listed.command), ...this.#topics()]);
    throw new D3Error('UNKNOWN_COMMAND', 'unknownCommand', `There is no command "${words.join(' ')}".`, {
      target: words.join(' '),
      actions: [
        ...near.map((name) => `Did you mean "${this.config.bin} help ${name}"?`),
        `"${this.config.bin} help" lists all commands.`,
      ],
    });
  }

  /** How to go on from a command line that stops short of a command, with the commands there are. */
  usage(words: readonly string[]): string {
    const prefix = words.length === 0 ? '' : `${words.join(' ')} `;
    const below = this.list().filter((listed) => listed.command.startsWith(prefix));
    return joined([`Usage: ${this.config.bin} ${prefix}COMMAND [TARGET...] [options]`, sections(below)]);
  }

  /** Every command that is not hidden, aliases beside it and not by themselves. */
  list(): ListedCommand[] {
    return this.config.commands
      .filter((command) => !command.hidden && !this.#isAlias(command))
      .map((command) => ({
        command: command.id.replaceAll(':', ' '),
        aliases: (command.aliases ?? []).map((alias) => alias.replaceAll(':', ' ')),
        section: sectionOf(command),
        summary: this.#plain(this.summary(command) ?? ''),
      }))
      .sort((a, b) => (a.command < b.command ? -1 : 1));
  }

  /** For oclif, should it ever ask by itself. */
  override async showHelp(argv: string[]): Promise<void> {
    this.log(this.about(argv.filter((word) => !word.startsWith('-'))));
  }

  #root(): string {
    const { bin, pjson, version } = this.config;
    return joined([
      `${bin} ${version}: ${pjson.description ?? ''}`,
      `Usage: ${bin} [options] COMMAND [TARGET...]\n       ${bin}admin ACTION [TARGET...] [options]   the same as ${bin} admin ACTION`,
      sections(this.list()),
      `${bin} help COMMAND tells more about one.`,
    ]);
  }

  #command(command: Command.Loadable): string {
    // oclif's formatter writes into what it formats.
    const copy = structuredClone({ ...command, load: undefined }) as unknown as Command.Loadable;
    return joined([this.#plain(this.summary(command) ?? ''), this.#plain(this.formatCommand(copy))]);
  }

  #environment(): string {
    const rows: [string, string][] = [
      ['D3_FLAG_<NAME>', 'the value of a flag that is not given: D3_FLAG_DRY_RUN=1'],
      ...INPUT_VARIABLES.map((name): [string, string] => [name, VARIABLE_MEANINGS[name] ?? '']),
    ];
    return `ENVIRONMENT\n${columns(rows)}`;
  }

  #topics(): string[] {
    return this.config.topics.map((topic) => topic.name.replaceAll(':', ' '));
  }

  #isAlias(command: Command.Loadable): boolean {
    return [...(command.aliases ?? []), ...(command.hiddenAliases ?? [])].includes(command.id);
  }

  #plain(text: string): string {
    return stripVTControlCharacters(text);
  }
}

const VARIABLE_MEANINGS: Readonly<Record<string, string>> = {
  D3_ROOT: 'the root of the machine to work on, as --root',
  D3_DEPOT: 'where the depot is, as --depot',
  D3_DEPOT_DATABASE: 'postgres:// address of the database of the depot',
  D3_RUN: 'set by d3 for its scripts: a nested d3 joins that run',
  D3_SAFE_MODE: '1 leaves all plugins out',
};

class D3CommandHelp extends CommandHelp {
  protected override defaultUsage(): string {
    return usageLine('', this.command as never).trim();
  }

  /** Without the summary, which stands at the top already. */
  protected override description(): string | undefined {
    const { description } = this.command;
    return description === undefined ? undefined : this.wrap(description);
  }
}

function sections(commands: readonly ListedCommand[]): string {
  const names = [...new Set(commands.map((command) => command.section))].sort(
    (a, b) => rank(a) - rank(b) || (a < b ? -1 : 1),
  );
  const rows = (section: string): [string, string][] =>
    commands
      .filter((command) => command.section === section)
      .map((command) => [[command.command, ...command.aliases].join(', '), command.summary]);
  const width = Math.max(0, ...names.flatMap(rows).map(([left]) => left.length));
  return names.map((name) => `${name.toUpperCase()}\n${columns(rows(name), width)}`).join('\n\n');
}

function rank(section: string): number {
  if (section === LAST_SECTION) return FIRST_SECTIONS.length + 1;
  const index = FIRST_SECTIONS.indexOf(section);
  return index === -1 ? FIRST_SECTIONS.length : index;
}

function exitCodes(): string {
  return `EXIT CODES\n${columns(Object.values(EXIT_CODES).map(({ code, meaning }) => [String(code), meaning]))}`;
}

function columns(rows: readonly (readonly [string, string])[], least = 0): string {
  const width = Math.max(least, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd()).join('\n');
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

import { EXIT_CODES } from '@d3/sdk';
import type { Command, Flag } from './known-commands.ts';

/** What man pages say besides the commands. */
export interface ManSource {
  version: string;
  /** When the newest of it was made, as `YYYY-MM-DD`: two builds of one source have the same pages. */
  date: string;
}

/** Pages by their file names: one for each command and one for the whole, as `man` finds them. Pure. */
export function manPages(commands: readonly Command[], source: ManSource): Record<string, string> {
  const pages = commands.map((command): [string, string] => [`${pageOf(command)}.1`, commandPage(command, source)]);
  return Object.fromEntries([['d3.1', wholePage(commands, source)], ['d3admin.1', '.so man1/d3.1\n'], ...pages]);
}

/** `d3admin group list` is in d3admin-group-list(1). */
function pageOf({ id }: Command): string {
  return typed(id).replaceAll(' ', '-');
}

function typed(id: string): string {
  const words = id.replaceAll(':', ' ');
  return words.startsWith('admin ') ? `d3admin ${words.slice('admin '.length)}` : `d3 ${words}`;
}

/** Text that roff takes as it stands. */
export function roff(text: string): string {
  const plain = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti');
  // A line that begins with one of these is an order to roff.
  return plain.replaceAll(/^([.'])/gm, '\\&$1').replaceAll(/\n+/g, '\n');
}

function head(title: string, { version, date }: ManSource): string {
  return `.TH "${roff(title.toUpperCase())}" "1" "${date}" "d3 ${roff(version)}" "d3"`;
}

function wholePage(commands: readonly Command[], source: ManSource): string {
  const lines = [
    head('d3', source),
    '.SH NAME',
    'd3 \\- keeps machines at a wanted state',
    '.SH SYNOPSIS',
    '.B d3\n.I COMMAND\n[\\fITARGET\\fR...] [\\fIoptions\\fR]\n.br\n.B d3admin\n.I ACTION\n[\\fITARGET\\fR...] [\\fIoptions\\fR]',
    '.SH DESCRIPTION',
    roff('Admins move editions of packages from pilot to live; every machine computes a plan and carries it out.'),
    '.SH COMMANDS',
    ...commands.map((command) => `.TP\n.BR ${roff(pageOf(command))} (1)\n${roff(command.summary)}`),
    ...exitCodes(),
  ];
  return `${lines.join('\n')}\n`;
}

function commandPage(command: Command, source: ManSource): string {
  const name = typed(command.id);
  const args = Object.values(command.args).map(({ name: arg, multiple, required }) => {
    const word = `\\fI${roff(arg.toUpperCase())}\\fR${multiple === true ? '...' : ''}`;
    return required === true ? word : `[${word}]`;
  });
  const flags = Object.values(command.flags).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const described = Object.values(command.args).filter(({ description }) => description !== undefined);
  const examples = (command.examples ?? []).map((example) => example.replaceAll('<%= config.bin %>', 'd3'));
  const lines = [
    head(pageOf(command), source),
    '.SH NAME',
    `${roff(pageOf(command))} \\- ${roff(command.summary.replace(/\.$/, ''))}`,
    '.SH SYNOPSIS',
    [`.B ${roff(name)}`, ...args, '[\\fIoptions\\fR]'].join('\n'),
    ...(command.description === undefined ? [] : ['.SH DESCRIPTION', roff(command.description)]),
    ...(described.length === 0 ? [] : ['.SH ARGUMENTS']),
    ...described.map((arg) => `.TP\n.I ${roff(arg.name.toUpperCase())}\n${roff(arg.description ?? '')}`),
    '.SH OPTIONS',
    ...flags.map(flagText),
    ...(examples.length === 0 ? [] : ['.SH EXAMPLES', '.nf', ...examples.map(roff), '.fi']),
    ...exitCodes(),
    '.SH SEE ALSO',
    '.BR d3 (1)',
  ];
  return `${lines.join('\n')}\n`;
}

function flagText({ name, char, aliases = [], type, helpValue = 'VALUE', summary = '' }: Flag): string {
  const names = [...(char === undefined ? [] : [`-${char}`]), `--${name}`, ...aliases.map((alias) => `--${alias}`)];
  const value = type === 'option' ? ` \\fI${roff(helpValue)}\\fR` : '';
  return `.TP\n${names.map((one) => `\\fB${roff(one)}\\fR`).join(', ')}${value}\n${roff(summary)}`;
}

function exitCodes(): string[] {
  const rows = Object.values(EXIT_CODES).map(({ code, meaning }) => `.TP\n.B ${code}\n${roff(meaning)}`);
  return ['.SH EXIT STATUS', ...rows];
}

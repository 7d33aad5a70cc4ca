import { globSync, readFileSync } from 'node:fs';
import { Config, Parser, settings } from '@oclif/core';
import { expect } from 'chai';
import { type Entry, readCommandLine } from '../../src/argv.ts';
import { argvTable } from '../../src/cli/command-table.ts';
import { repository } from './spawn.ts';

interface Line {
  /** As it stands there. */
  text: string;
  entry: Entry;
  words: string[];
  /** In a sentence the words a command needs may be left out. */
  isWhole: boolean;
}

/**
 * Every command line the documentation shows is one that d3 reads: its command is there, takes these flags and as many words, and
 * their values are of the right kind. What the lines do is tested where the pages are followed.
 */
describe('command lines in the documentation', () => {
  let config: Config;
  before(async () => {
    settings.enableAutoTranspile = false;
    const pjson = JSON.parse(readFileSync(`${repository}package.json`, 'utf8').replaceAll('./dist/', './src/'));
    const own = { root: repository, pjson, ignoreManifest: true, userPlugins: false, devPlugins: false };
    config = await Config.load(own);
  });

  const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: repository })];
  // The reference is made from the commands; the commands of the plugin that is written in the other are tested with it.
  for (const page of pages.filter((name) => !['docs/reference.md', 'docs/plugins.md'].includes(name))) {
    it(`${page}: each can be read`, async () => {
      const text = readFileSync(repository + page, 'utf8');
      const wrong: string[] = [];
      for (const line of linesIn(text)) {
        const problem = await problemOf(line);
        if (problem !== null) wrong.push(`${line.text}: ${problem}`);
      }
      expect(wrong).to.deep.equal([]);
    });
  }

  it('are found where there are some', () => {
    const many = Object.fromEntries(
      pages.map((page) => [page, linesIn(readFileSync(repository + page, 'utf8')).length]),
    );
    expect(many['docs/serving.md']).to.be.greaterThan(20);
    expect(many['docs/guide.md']).to.be.greaterThan(40);
  });

  it('with a flag or a command that is not there are told', async () => {
    for (const text of ['d3 depot serve --nothing', 'd3admin token ad sally', 'd3 depot serve /srv/d3 --rate many']) {
      const [line] = linesIn(`\`\`\`sh\n${text}\n\`\`\`\n`);
      expect(await problemOf(line as Line), text).to.be.a('string');
    }
  });

  async function problemOf({ entry, words, isWhole }: Line): Promise<string | null> {
    try {
      const { path, rest } = readCommandLine(words, entry, argvTable(config.commands));
      const command = config.findCommand(path.join(':'));
      const isTopic = path.length === 0 || (!isWhole && config.topics.some(({ name }) => name === path.join(':')));
      if (command === undefined) return isTopic ? null : 'there is no such command';
      const { flags, baseFlags, args, strict } = await command.load();
      // What the words are of is somebody else's machine: nothing has to be there.
      await Parser.parse(rest, { flags: { ...baseFlags, ...flags }, args, strict, '--': true });
      return null;
    } catch (error) {
      const { message } = error as Error;
      return isWhole || !/Missing \d+ required arg|Missing required flag|needs a value/.test(message) ? message : null;
    }
  }
});

/** The lines of blocks for a shell and of units for systemd, and those in the middle of a sentence. */
function linesIn(markdown: string): Line[] {
  const found: Line[] = [];
  for (const [, kind = '', block = ''] of markdown.matchAll(/^```(\w+)(?: \S+)?\n([\s\S]*?)^```$/gm)) {
    if (!['sh', 'ini'].includes(kind)) continue;
    for (const text of block.replaceAll('\\\n', ' ').split('\n')) {
      const line = kind === 'ini' ? (/^ExecStart=(.*)$/.exec(text)?.[1] ?? '') : text;
      for (const words of commandsIn(line)) {
        const name = words[0]?.split('/').at(-1);
        if (name === 'd3' || name === 'd3admin')
          found.push({ text, entry: name, words: words.slice(1), isWhole: true });
      }
    }
  }
  for (const [, text = ''] of markdown.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/`(d3(?:admin)? [a-z][^`]*)`/g)) {
    const [[name, ...words] = []] = commandsIn(text);
    const said = words.map((word) => (word === 'NUMBER' ? '1' : word));
    found.push({ text, entry: name as Entry, words: said, isWhole: false });
  }
  return found;
}

/** As a shell takes a line apart: comments, quotes, what stands between `|`, `;` and `&&`, and what stands before a command. */
function commandsIn(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const [token, double, single] of line.matchAll(
    /"([^"]*)"|'([^']*)'|#.*$|&&|\|\|?|;|[<>]+ *\S+|[^\s"'|;&<>]+/g,
  )) {
    if (token.startsWith('#')) break;
    if (/^(?:&&|\|\|?|;)$/.test(token)) commands.push([]);
    else if (!/^[<>]/.test(token)) commands.at(-1)?.push(double ?? single ?? token);
  }
  return commands.map((words) => {
    const begin = words.findIndex((word) => word !== 'sudo' && !/^[A-Z][A-Z0-9_]*=/.test(word));
    return begin === -1 ? [] : words.slice(begin);
  });
}

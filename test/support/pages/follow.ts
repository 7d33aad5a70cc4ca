import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { repository } from '../../cli/spawn.ts';
import { NOT_RUN } from '../../docs/not-run.ts';
import { type Block, blocksOf, type Statement, statementsOf } from './blocks.ts';
import { differenceOf } from './printed.ts';
import { PageShell } from './shell.ts';

/** Who reads a page, and does what it says. */
export interface Reader {
  /** An empty folder, in which all of it happens. */
  dir: string;
  shell: PageShell;
  /** Runs what is no part of the page, and has to succeed. @returns what it printed */
  does: (statement: string) => Promise<string>;
  /** Is done at the end, last first. */
  atEnd: (work: () => Promise<void> | void) => void;
  /** What a page names (a host, a folder, a token) and what is here in its place. */
  standsFor: (said: string, here: string) => void;
}

/** What a page takes for granted, and what a reader has done by themselves. */
export interface World {
  env?: Readonly<Record<string, string>>;
  /** Before the first line. */
  begin?: (reader: Reader) => Promise<void> | void;
  /** Right before lines that begin so. */
  before?: Readonly<Record<string, (reader: Reader) => Promise<void> | void>>;
  /** Right after lines that begin so, with what they printed. */
  after?: Readonly<Record<string, (reader: Reader, printed: string) => Promise<void> | void>>;
  /** Lines that begin so go on while others are run, and what they print when they are there. */
  goOn?: Readonly<Record<string, RegExp>>;
  /** Lines in which d3 is a process of its own, besides those that give it something to read. */
  own?: RegExp;
}

/** What gives d3 its standard input. */
const OWN = /[|<] *(?:d3|d3admin)\b|<\S+ *$/;

/** A test that does what a page of the documentation says, from its first line to its last. */
export function followed(page: string, world: World = {}): void {
  describe(page, () => {
    it('every line of it is run, and does what it says', async function () {
      this.timeout(900_000);
      const dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-page-')));
      const ends: (() => Promise<void> | void)[] = [];
      const stands: [string, string][] = [];
      const shell = new PageShell(dir, world.env);
      const reader: Reader = {
        dir,
        shell,
        async does(statement) {
          const { code, printed } = await shell.run(statement, OWN.test(statement));
          expect(code, `${statement}\n${printed}`).to.equal(0);
          return printed;
        },
        atEnd: (work) => ends.unshift(work),
        standsFor: (said, here) => stands.unshift([said, here]),
      };
      try {
        await world.begin?.(reader);
        const wrong = await follow(page, world, reader, stands);
        expect(wrong.length, `\n${wrong.slice(0, 10).join('\n')}\n`).to.equal(0);
      } finally {
        for (const work of ends) await work();
        await shell.close();
        rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
      }
    });
  });
}

/** @returns what was not as the page says */
async function follow(page: string, world: World, reader: Reader, stands: [string, string][]): Promise<string[]> {
  const wrong: string[] = [];
  let printed = '';
  for (const block of blocksOf(readFileSync(path.join(repository, page), 'utf8'))) {
    if (block.kind === 'sh') {
      wrong.push(...problemsForSh(page, block));
      printed = '';
      for (const statement of statementsOf(block)) {
        const at = `${page}:${statement.line}`;
        if (NOT_RUN.some((one) => one.page === page && one.lines.includes(statement.text.trim()))) continue;
        const { problem, said } = await run(statement, world, reader, stands);
        printed += said;
        if (problem !== null) wrong.push(`${at}: ${statement.text}\n${problem}`);
        if (reader.shell.isOver) return wrong;
      }
    } else if (block.kind === 'text') {
      const difference = differenceOf(block.text, printed);
      if (difference !== null) wrong.push(`${page}:${block.line}: "${difference}" was not printed, but:\n${printed}`);
    } else if (block.file !== '') write(reader.dir, block);
  }
  return wrong;
}

function problemsForSh(page: string, { text, line }: Block): string[] {
  const { status, stderr } = spawnSync('sh', ['-n', '-c', text], { encoding: 'utf8' });
  return status === 0 ? [] : [`${page}:${line}: sh does not read it: ${stderr}`];
}

function write(dir: string, { file, text }: Block): void {
  const to = path.join(dir, file);
  mkdirSync(path.dirname(to), { recursive: true });
  writeFileSync(to, text);
}

async function run(
  { text, exits }: Statement,
  world: World,
  reader: Reader,
  stands: [string, string][],
): Promise<{ problem: string | null; said: string }> {
  const beginning = <Value>(table: Readonly<Record<string, Value>> = {}): Value | undefined =>
    Object.entries(table).find(([begin]) => text.startsWith(begin))?.[1];
  try {
    await beginning(world.before)?.(reader);
    let here = text;
    for (const [said, stand] of stands) here = here.replaceAll(said, stand);
    const there = beginning(world.goOn);
    if (there !== undefined) {
      await reader.shell.start(here, there);
      return { problem: null, said: '' };
    }
    const { code, printed } = await reader.shell.run(here, OWN.test(text) || world.own?.test(text) === true);
    await beginning(world.after)?.(reader, printed);
    let said = printed;
    for (const [name, stand] of stands) said = said.replaceAll(stand, name);
    return { problem: code === exits ? null : `it ended with ${code}, not ${exits}:\n${printed}`, said };
  } catch (error) {
    return { problem: String(error), said: '' };
  }
}

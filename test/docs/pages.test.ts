import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { repository } from '../cli/spawn.ts';
import { blocksOf, statementsOf } from '../support/pages/blocks.ts';
import { NOT_RUN } from './not-run.ts';

/** Made from the program, or by a test that follows it in its own way. */
const ELSEWHERE = ['docs/reference.md'];

const read = (file: string) => readFileSync(path.join(repository, file), 'utf8');

describe('the documentation', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', ...globSync('docs/**/*.md', { cwd: repository })];

  it('every page with lines for a shell is run by a test', () => {
    const tests = globSync('test/docs/**/*.test.ts', { cwd: repository }).map(read).join('\n');
    const missing = pages
      .filter((page) => !ELSEWHERE.includes(page) && blocksOf(read(page)).some(({ kind }) => kind === 'sh'))
      .filter((page) => !tests.includes(`followed('${page}'`));
    expect(missing, "give each a test/docs/….test.ts that says followed('PAGE', its world)").to.deep.equal([]);
  });

  it('every block says what it is, so that no line for a shell passes for something else', () => {
    const known = ['sh', 'text', 'json', 'yaml', 'js', 'ini', 'nginx', 'xml', 'mermaid'];
    const wrong = pages
      .filter((page) => !ELSEWHERE.includes(page))
      .flatMap((page) =>
        blocksOf(read(page))
          .filter(({ kind, text }) =>
            kind === 'text' ? /^(?:sudo )?(?:d3|d3admin) [a-z]/m.test(text) : !known.includes(kind),
          )
          .map(({ kind, line }) => `${page}:${line}: ${kind === '' ? 'nothing' : kind}`),
      );
    expect(wrong).to.deep.equal([]);
  });

  it('lines that cannot be run are still there, and what proves them is', () => {
    const known = new Map<string, string[]>();
    const linesOf = (page: string) => {
      const there =
        known.get(page) ??
        blocksOf(read(page))
          .filter(({ kind }) => kind === 'sh')
          .flatMap((block) => statementsOf(block).map(({ text }) => text.trim()));
      known.set(page, there);
      return there;
    };
    const wrong = NOT_RUN.flatMap(({ page, lines, proof }) => {
      const there = linesOf(page);
      return [
        ...lines.filter((line) => !there.includes(line)).map((line) => `${page} has no line "${line}"`),
        ...(existsSync(path.join(repository, proof)) ? [] : [`${proof} is not there`]),
      ];
    });
    expect(wrong).to.deep.equal([]);
  });

  it('every link leads somewhere', () => {
    const wrong = pages.flatMap((page) => linksOf(read(page)).flatMap((link) => problemOf(page, link) ?? []));
    expect(wrong).to.deep.equal([]);
  });
});

function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^( *)```[\s\S]*?^\1```$/gm, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link as string);
}

function problemOf(page: string, link: string): string | null {
  if (/^https?:/.test(link)) return null;
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? page : path.join(path.dirname(page), file);
  if (!existsSync(path.join(repository, target))) return `${page}: ${link}: there is no such file`;
  if (anchor === undefined || anchorsOf(target).has(anchor)) return null;
  return `${page}: ${link}: there is no such heading`;
}

const anchors = new Map<string, Set<string>>();

/** Headings of a page as GitHub names them. */
function anchorsOf(page: string): Set<string> {
  const found =
    anchors.get(page) ??
    new Set(
      [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
          .trim()
          .replaceAll(/\s/g, '-'),
      ),
    );
  anchors.set(page, found);
  return found;
}

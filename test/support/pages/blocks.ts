import { spawnSync } from 'node:child_process';

export interface Block {
  /** The word behind the fence: `sh` is run, `text` must have been printed by what was run last, others are files. */
  kind: string;
  /** The second word: the name of a file. */
  file: string;
  text: string;
  /** Of its first line in the page. */
  line: number;
}

export interface Statement {
  text: string;
  /** Of its first line in the page. */
  line: number;
  /** As a comment `# exits 30` says. */
  exits: number;
}

/** The fenced blocks of a page, also those in lists. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^( *)```(\S*)(?: (\S+))? *\n([\s\S]*?)^\1```$/gm)].map(
    ({ index, 1: indent = '', 2: kind = '', 3: file = '', 4: text = '' }) => ({
      kind,
      file,
      text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      line: markdown.slice(0, index).split('\n').length + 1,
    }),
  );
}

/** A block of `sh` as a reader types it: line by line, and whatever goes on over several lines as one. */
export function statementsOf(block: Block): Statement[] {
  const found: Statement[] = [];
  let open: string[] = [];
  for (const [index, text] of block.text.split('\n').entries()) {
    if (open.length === 0 && /^\s*(?:#.*)?$/.test(text)) continue;
    open.push(text);
    const statement = open.join('\n');
    if (!isWhole(statement)) continue;
    found.push({
      text: statement,
      line: block.line + index - open.length + 1,
      exits: Number(/# exits (\d+)/.exec(statement)?.[1] ?? 0),
    });
    open = [];
  }
  if (open.length > 0) throw new Error(`line ${block.line}: this has no end:\n${open.join('\n')}`);
  return found;
}

function isWhole(statement: string): boolean {
  if (statement.endsWith('\\')) return false;
  const heredoc = /<<-?\s*'?"?(\w+)/.exec(statement)?.[1];
  if (heredoc !== undefined) return statement.split('\n').slice(1).includes(heredoc);
  if (!/^\s*(?:for|while|until|if|case)\b|[{(]\s*$|['"]/m.test(statement)) return true;
  return spawnSync('sh', ['-n', '-c', statement]).status === 0;
}

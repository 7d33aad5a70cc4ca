import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { leaveInterrupts } from './foreground.ts';
import { temporaryFolder } from './work-folder.ts';

/** Longer than any text somebody writes by hand, in bytes. */
const MOST = 1_000_000;

/**
 * Lets a person write a text with a program of their own, which has the terminal meanwhile.
 * @param editor as in $EDITOR: a program, with arguments if it needs any
 * @returns the text without blank lines at its end
 * @throws D3Error failed `EDITOR_FAILED`: the text is as it was
 */
export async function editText(text: string, editor: string): Promise<string> {
  // Nobody else may enter the folder: not before the editor writes there, nor while it does.
  const folder = temporaryFolder(null, 'd3-edit-');
  const file = path.join(folder.path, 'description.txt');
  try {
    await writeFile(file, text === '' || text.endsWith('\n') ? text : `${text}\n`, { mode: 0o600, flag: 'wx' });
    await edited(editor, file);
    const written = await readFile(file);
    if (written.length > MOST) throw failed(editor, `left ${written.length} bytes, and ${MOST} are the most`);
    return written.toString('utf8').replace(/\s+$/, '');
  } finally {
    folder.remove();
  }
}

function edited(editor: string, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
    const again = leaveInterrupts();
    child.once('error', (error) => {
      again();
      reject(failed(editor, error.message));
    });
    child.once('close', (code, signal) => {
      again();
      if (code === 0) resolve();
      else reject(failed(editor, signal === null ? `ended with ${code}` : `was stopped by ${signal}`));
    });
  });
}

function failed(editor: string, why: string): D3Error {
  return new D3Error('EDITOR_FAILED', 'failed', `The editor ${editor} ${why}; the text is as it was.`, {
    target: editor,
    actions: ['name another one: d3admin config editor PROGRAM'],
  });
}

import { readFile } from 'node:fs/promises';
import { D3Error } from '@d3/sdk';
import { type ClientAnswers, checkAnswers } from '../proxy/answers.ts';

/** Reads a JSON file that somebody named. @throws D3Error usage where it cannot be read, or is none */
export async function readJsonFile(file: string): Promise<unknown> {
  const wrong = (text: string, cause: unknown) =>
    new D3Error('FILE_UNREADABLE', 'usage', `${file} ${text}.`, { target: file, cause });
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw wrong(`cannot be read: ${(error as Error).message}`, error);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw wrong('is no JSON', error);
  }
}

export async function readAnswers(file: string): Promise<ClientAnswers> {
  return checkAnswers(await readJsonFile(file), file);
}

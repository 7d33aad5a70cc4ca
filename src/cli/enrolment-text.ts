import { D3Error } from '@d3/sdk';
import { wholeNumber } from '../catalog/names.ts';
import { targets } from './base.ts';

/** Machines that wait go by the numbers that `d3admin enrol list` shows. */
export const numbersArgument = targets('number', 'Their numbers, as d3admin enrol list shows them.');

/** @throws D3Error usage */
export function enrolmentNumbers(words: readonly string[]): number[] {
  return words.map((word) => {
    const number = wholeNumber(word);
    if (number !== null && number > 0) return number;
    throw new D3Error('ENROLMENT_NUMBER', 'usage', `${word} is no number of an enrolment.`, {
      target: word,
      actions: ['see them: d3admin enrol list'],
    });
  });
}

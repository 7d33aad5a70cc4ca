import type { Fate, GroupFate } from '../admin/import/carry-out.ts';
import type { MunkiImported } from '../admin/import/munki.ts';
import type { Gap } from '../admin/import/types.ts';

/** What an import came to, for a person. */

/** Names in one line of a list. */
const NAMES = 8;

export function importText({ repository, dryRun, items, groups, categories, gaps }: MunkiImported): string {
  const lines = [headline(repository, dryRun, items)];
  const came = items.filter(({ fate }) => fate === 'imported' || fate === 'would be imported');
  if (came.length > 0) lines.push('', dryRun ? 'Would be imported:' : 'Imported:', ...came.map(editionLine));
  lines.push(
    ...section('There already, but not as the repository says (nothing was changed):', items, ['differs'], differsLine),
  );
  const left = items.filter(({ fate }) => fate === 'left out');
  if (left.length > 0) lines.push('', 'Left out:', ...left.map(whyLine));
  lines.push(...section('Not tried:', items, ['not tried'], ({ item }) => `  ${item}`));
  const stays = items.filter(({ fate, why }) => (fate === 'there' || fate === 'differs') && why !== null);
  if (stays.length > 0) lines.push('', 'Not made live:', ...stays.map(whyLine));
  const cautions = items.flatMap(({ edition, warnings }) => warnings.map((text) => `  ${edition}: ${text}`));
  if (cautions.length > 0) lines.push('', 'To be known:', ...cautions);
  if (categories.length > 0)
    lines.push('', `${dryRun ? 'Categories that would be made' : 'Categories made'}: ${categories.join(', ')}`);
  const said = groups.filter(({ fate }) => fate !== 'there');
  if (said.length > 0) lines.push('', 'Groups:', ...said.map(groupLine));
  lines.push(...gapLines(gaps));
  if (dryRun && came.length > 0)
    lines.push(
      '',
      'Packages were not read yet: one that is damaged, or not what its pkginfo says, shows when it is imported.',
    );
  return lines.join('\n');
}

function headline(repository: string, dryRun: boolean, items: readonly Fate[]): string {
  const of = (...fates: Fate['fate'][]) => items.filter(({ fate }) => fates.includes(fate)).length;
  const fresh = items.filter(({ fate }) => fate === 'imported' || fate === 'would be imported');
  const live = fresh.filter(({ status }) => status === 'live').length;
  const parts = [
    fresh.length === 0 ? 'nothing to import' : `${fresh.length} ${dryRun ? 'would be ' : ''}imported (${live} live)`,
    ...told(of('there', 'differs'), 'there already'),
    ...told(of('left out'), 'left out'),
    ...told(of('failed'), 'failed'),
    ...told(of('not tried'), 'not tried'),
  ];
  return `${dryRun ? 'Nothing was changed. ' : ''}${items.length} ${items.length === 1 ? 'item' : 'items'} of ${repository}: ${parts.join(', ')}.`;
}

function told(number: number, what: string): string[] {
  return number === 0 ? [] : [`${number} ${what}`];
}

function section(
  title: string,
  items: readonly Fate[],
  fates: readonly Fate['fate'][],
  line: (fate: Fate) => string,
): string[] {
  const found = items.filter(({ fate }) => fates.includes(fate));
  return found.length === 0 ? [] : ['', title, ...found.map(line)];
}

function editionLine({ edition, status }: Fate): string {
  return `  ${edition}: ${status}`;
}

function differsLine({ edition, differs }: Fate): string {
  return `  ${edition}: ${differs.join(', ')}`;
}

function whyLine({ item, why }: Fate): string {
  return `  ${item}: ${why}`;
}

function groupLine({ name, criteria, fate }: GroupFate): string {
  const rest =
    fate === 'differs' ? `is there with other criteria, and stays so; the repository says ${criteria}` : criteria;
  return `  ${name} (${fate === 'differs' ? 'not changed' : fate}): ${rest}`;
}

/** Those that say the same of several items are told once. */
function gapLines(gaps: readonly Gap[]): string[] {
  if (gaps.length === 0) return [];
  const same = new Map<string, Gap[]>();
  for (const gap of gaps) {
    const key = JSON.stringify([gap.key, gap.why, gap.todo]);
    same.set(key, [...(same.get(key) ?? []), gap]);
  }
  const lines = [...same.values()]
    .toSorted(([a], [b]) => ((a as Gap).key < (b as Gap).key ? -1 : Number((a as Gap).key > (b as Gap).key)))
    .flatMap((several) => {
      const [{ key, why, todo }] = several as [Gap];
      const names = several.slice(0, NAMES).map(({ item, what }) => `${item} (${what})`);
      const more = several.length > NAMES ? `, and ${several.length - NAMES} more (--json names all)` : '';
      return [
        `  ${key}: ${names.join(', ')}${more}`,
        `    ${why}`,
        `    ${todo === 'nothing' ? 'nothing is to be done' : `to do: ${todo}`}`,
      ];
    });
  return ['', 'Without a counterpart, or not all of one:', ...lines];
}

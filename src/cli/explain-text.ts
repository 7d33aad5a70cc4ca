import type { Explained, Explainer } from '../client/explain.ts';
import type { Topic } from '../planner/findings.ts';
import { decisionText } from './decision-text.ts';
import { fields } from './table-text.ts';

const LABELS: Record<Topic, string> = {
  depot: 'In the depot',
  installed: 'Installed',
  leftover: 'Left over',
  changed: 'Changed elsewhere',
  pilot: 'Piloted',
  frozen: 'Frozen',
  removable: 'Removable',
  interrupted: 'Interrupted',
  queue: 'Queued',
  auto: 'Auto groups',
  excluded: 'Excluded groups',
  file: 'File',
  format: 'Format',
  system: 'System',
  processor: 'Processor',
  capabilities: 'Asks of d3',
  restart: 'Restart',
  processes: 'Processes',
  scripts: 'Scripts',
  plugins: 'Plugins',
};

/** One basename's chain: what was looked at, a line each, then what comes of it. */
export function explainedText(
  explained: Explained,
  { how, run, machine }: Pick<Explainer, 'how' | 'run' | 'machine'>,
): string {
  const { basename, findings, decisions, outcomes, outcomesOf } = explained;
  const cameOfIt = run === null ? `Last time (${outcomesOf?.command}, ${outcomesOf?.startedAt})` : 'What came of it';
  const title = `# ${basename} on ${machine}, ${heading(how, run)}`;
  const looked = findings.map(({ topic, against, text }): [string, string] => [
    LABELS[topic],
    against ? `! ${text}` : text,
  ]);
  const next = decisions.flatMap(({ problem }) => (problem?.actions ?? []).map((action) => `Next: ${action}`));
  const verdict = [
    ...decisions.map(decisionText),
    ...(how === 'unknown' && decisions.length === 0 ? ['What a sync would do is not known without the depot.'] : []),
    ...next,
    ...outcomes.map(({ status, text }) => `${cameOfIt}: ${status}${text === '' ? '' : ` (${text})`}`),
  ];
  return [title, fields(looked), '', ...verdict].join('\n');
}

function heading(how: Explainer['how'], run: Explainer['run']): string {
  if (run === null) return how === 'now' ? 'as a sync now would have it' : 'as far as this machine knows';
  const about = `run ${run.id} (${run.command}, ${run.startedAt})`;
  return how === 'replayed'
    ? `planned again from the facts of ${about}`
    : `as ${about} decided it; its catalog is no longer kept`;
}

import { progressText } from '../rules/progress.ts';
import type { DecidedRun } from './decide.ts';
import type { Logged } from './log.ts';
import type { Verified } from './verify.ts';
import type { Watched } from './watch.ts';

/** How a run stands, and what to do next. */
export function watchedText({ deployment, run, state, text, isAdvanced, progress, failed }: Watched): string {
  const lines = progress.map((one) => `${one.name}: ${progressText(one)}`);
  for (const { host, phase, step, text: why } of failed)
    lines.push(`${host} failed (${phase}${step === null ? '' : `, ${step}`}): ${why}`);
  return [...lines, endText({ deployment, run, state, text, isAdvanced })].join('\n');
}

function endText({
  deployment,
  run,
  state,
  text,
  isAdvanced,
}: Pick<Watched, 'deployment' | 'run' | 'state' | 'text' | 'isAdvanced'>): string {
  switch (state) {
    case 'done':
      return `${deployment} is done (run ${run}): ${text}.`;
    case 'holding':
      return `${deployment} holds (run ${run}): ${text}.`;
    case 'running':
    case 'waiting':
      return isAdvanced
        ? `${deployment} runs (run ${run}). Follow it: d3 deployment watch ${deployment}`
        : `${deployment} is begun (run ${run}), and nobody works on it now. Go on: d3 deployment resume ${deployment}, or d3 run worker`;
    default:
      return `${deployment} is ${state} (run ${run})${text === '' ? '' : `: ${text}`}.`;
  }
}

export function decidedText({ deployment, run, hosts }: DecidedRun): string {
  if (hosts.length === 0) return `${deployment} (run ${run}): there is nothing under way on its hosts.`;
  return hosts.map(({ host, phase, text }) => `${host} (${phase}): ${text}.`).join('\n');
}

export function logText({ lines }: Logged): string {
  if (lines.length === 0) return 'Nothing was said.';
  return lines
    .map(({ at, host, phase, text }) => `${at} ${host === null ? '' : `${host} ${phase}: `}${text}`)
    .join('\n');
}

export function verifiedText({ deployment, hosts }: Verified): string {
  if (hosts.length === 0) return `${deployment}: no host is released.`;
  return hosts
    .flatMap(({ host, good, checks }) => [
      `${host}: ${good ? 'is well' : 'is not as it was left'}`,
      ...checks.filter((check) => !check.good).map(({ name, text }) => `  ${name}: ${text}`),
    ])
    .join('\n');
}

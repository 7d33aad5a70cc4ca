import type { Json } from '@d3/sdk';
import type { ParameterValue } from '../types.ts';
import type { BlueprintTold } from './blueprints.ts';
import type { Assigned } from './fates.ts';
import type { DeploymentPlan } from './plan.ts';
import type { DeploymentTold, HostTold } from './show.ts';

/** What commands of deployments say to people. */

export function blueprintText({ name, description, roles, parameters, deployments }: BlueprintTold): string {
  return [
    ...(name === '' ? [] : [`${name}${description === '' ? '' : `: ${oneLine(description)}`}`]),
    ...roles.flatMap((role) => [
      `role ${role.name}${role.after.length === 0 ? '' : ` after ${role.after.join(', ')}`}: ${manner(role)}`,
      ...role.steps.map((step, n) => `  ${n + 1}. ${step}`),
    ]),
    ...parameters.map(({ name: called, type, default: preset, required, description: what }) => {
      const value =
        preset === null
          ? required
            ? 'has to be given'
            : 'none unless given'
          : `${oneLine(valueText(preset))} unless given`;
      return `parameter ${called} (${type}): ${value}${what === '' ? '' : `. ${oneLine(what)}`}`;
    }),
    ...(deployments.length === 0 ? [] : [`used by ${deployments.join(', ')}`]),
  ].join('\n');
}

function manner({
  mode,
  leader,
  batches,
  abreast,
  maxFailures,
  min,
  max,
  hostgroup,
}: BlueprintTold['roles'][number]): string {
  return [
    mode === 'leader' ? `${leader ?? 'the first by name'} leads` : mode,
    ...(mode === 'serial' ? [] : [`${abreast} at a time`]),
    ...(batches.length === 0 ? [] : [`in waves of ${batches.join(', ')}`]),
    maxFailures === 0 ? 'none may fail' : `${maxFailures} may fail`,
    ...(min === 0 && max === null ? [] : [max === null ? `at least ${min} hosts` : `${min} to ${max} hosts`]),
    ...(hostgroup === null ? [] : [`hostgroup ${hostgroup}`]),
  ].join(', ');
}

export function assignedText({ deployment, dryRun, hosts }: Assigned, undone = 'is as it was'): string {
  const would = dryRun ? 'would be ' : '';
  const lines = hosts.map(({ host, role, fate, text }) => {
    const more = text === '' ? '' : `: ${text}`;
    switch (fate) {
      case 'failed':
        return `${host}: failed. ${text}`;
      case 'same':
        return `${host}: is in role ${role} as before${more}`;
      case 'held':
        return `${host}: ${would}assigned to role ${role}${more}`;
      case 'assigned':
        return `${host}: ${would}assigned to role ${role}${more}`;
      case 'unassigned':
        return `${host}: ${would}taken out of ${deployment}${more}`;
    }
  });
  return lines.length === 0 ? `${deployment} ${undone}.` : lines.join('\n');
}

export function planText({ deployment, blueprint, roles, hosts, left, problems }: DeploymentPlan): string {
  const lines = [`${deployment} (${blueprint}): ${count(hosts.length, 'host')} to deploy`];
  for (const role of roles) {
    const mine = hosts.filter((one) => one.role === role.name);
    if (mine.length === 0) continue;
    const after = role.after.length === 0 ? '' : ` after ${role.after.join(', ')}`;
    lines.push(
      `role ${role.name}${after}: ${count(mine.length, 'host')}, ${role.mode}, ${role.abreast} at a time, ${role.maxFailures} may fail`,
    );
    for (const [n, wave] of role.waves.entries()) {
      if (role.waves.length > 1) lines.push(`  wave ${n + 1}: ${wave.join(', ')}`);
    }
    for (const one of mine) {
      lines.push(`  ${one.host} (${one.kind}, ${one.state})`);
      for (const [phase, steps] of [
        ['prepare', one.prepare],
        ['role', one.steps],
        ['release', one.release],
      ] as const) {
        lines.push(`    ${phase}: ${steps.map((step) => step.name ?? step.kind).join('; ')}`);
      }
    }
  }
  for (const { host, role, why } of left) lines.push(`left: ${host} (${role}): ${why}`);
  if (hosts.length === 0 && problems.length === 0) lines.push('Nothing is to be done.');
  if (problems.length > 0) lines.push(`${count(problems.length, 'problem')} to put right before it can be run:`);
  for (const { text, next } of problems) lines.push(`  ${text}`, `    ${next}`);
  return lines.join('\n');
}

export function hostsText(hosts: readonly HostTold[]): string {
  if (hosts.length === 0) return 'There is no host.';
  const rows = hosts.map(({ host, kind, state, deployment, role, text }) => [
    host,
    kind ?? 'gone',
    state,
    deployment === null ? '-' : `${deployment}/${role}`,
    oneLine(text),
  ]);
  return columns([['HOST', 'KIND', 'STATE', 'ROLE', ''], ...rows]);
}

export function deploymentText({
  name,
  description,
  blueprint,
  run,
  counts,
  values,
  ofRoles,
  hosts,
}: DeploymentTold): string {
  return [
    `${name} (${blueprint})${description === '' ? '' : `: ${oneLine(description)}`}`,
    `run: ${run ?? 'none'}; hosts: ${countsText(counts)}`,
    ...Object.entries(values).map(([key, { value, from }]) => `${key} = ${valueText(value)} (${from})`),
    ...Object.entries(ofRoles).map(([key, value]) => `${key} = ${valueText(value)} (role)`),
    ...hosts.flatMap(({ host, values: own }) =>
      Object.entries(own).map(([key, value]) => `${key} = ${valueText(value)} (${host})`),
    ),
    hostsText(hosts),
  ].join('\n');
}

export function countsText(counts: Readonly<Record<string, number>>): string {
  const told = Object.entries(counts).map(([state, number]) => `${number} ${state}`);
  return told.length === 0 ? 'none' : told.join(', ');
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, n) => Math.max(...rows.map((row) => row[n]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, n) => cell.padEnd(widths[n] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function valueText(value: Json | ParameterValue): string {
  if (value === null) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

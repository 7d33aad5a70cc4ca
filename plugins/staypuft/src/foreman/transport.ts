import { D3Error, type Json } from '@d3/sdk';
import type { Value } from '../rules/parameters.ts';
import type { Host } from '../types.ts';

/** Whether work on a host goes to it as jobs of Foreman, where all that a job is given can be read. */
export function goesByJobs(settings: Readonly<Record<string, Json>>, { foreman }: Pick<Host, 'foreman'>): boolean {
  return settings['deployment.transport'] === 'foreman' && foreman !== null;
}

/** @throws D3Error refused, where a secret would be handed to a host by a job */
export function refuseSecretsInJobs(values: readonly Value[], host: string): void {
  const secrets = values.filter(({ parameter, value }) => parameter.type === 'secret' && value !== null);
  if (secrets.length === 0) return;
  const names = secrets.map(({ parameter }) => parameter.name).join(', ');
  throw new D3Error(
    'SECRET_IN_JOB',
    'refused',
    `${host} is worked on by jobs of Foreman, where the secret ${names} could be read: nothing was sent.`,
    { target: host, actions: ['reach it over SSH: set deployment.transport to ssh', 'or take the secret from it'] },
  );
}

import { D3Error } from '@d3/sdk';
import type { Classifier, NamedHost } from '../types.ts';
import { changeRecord } from './change.ts';
import { ensured, type Foreman, quoted } from './client.ts';
import { environmentNamed, hostgroupNamed, locate } from './records.ts';
import { type ForemanContext, hasForeman, type Site, siteOf, withForeman } from './site.ts';

/** Says through Foreman what agents do; null where none is configured, or it does not know the host. */
export async function foremanClassifier({ host }: NamedHost, context: ForemanContext): Promise<Classifier | null> {
  if (host.foreman === null || !hasForeman(siteOf(await context.settings.all()))) return null;
  return {
    agent: async (target, mode) =>
      withForeman(context, async (foreman, site) => {
        await setAgent(foreman, site, await nameOf(foreman, target), mode);
      }),
    environment: async (target, name) =>
      withForeman(context, async (foreman) => {
        await setEnvironment(foreman, target, name);
      }),
  };
}

/** @param name null: that of its hostgroup @returns what it is now */
export async function setEnvironment(foreman: Foreman, target: NamedHost, name: string | null): Promise<string> {
  const located = await locate(foreman, target);
  if (located.kind === 'discovered')
    throw new D3Error(
      'FOREMAN_STILL_DISCOVERED',
      'refused',
      `${target.name} is not a host yet: it has no environment`,
      {
        target: target.name,
        actions: [`See where its installation stands: d3 deployment log`],
      },
    );
  const { record } = located;
  const wanted = name ?? (await environmentOfGroup(foreman, target.name, record.hostgroup));
  await changeRecord(foreman, record.id, { environmentId: (await environmentNamed(foreman, wanted)).id });
  return wanted;
}

export async function environmentOfGroup(foreman: Foreman, name: string, hostgroup: string | null): Promise<string> {
  const group = hostgroup === null ? null : await hostgroupNamed(foreman, hostgroup);
  if (group !== null && group.environment !== null) return group.environment;
  throw new D3Error(
    'FOREMAN_NO_GROUP_ENVIRONMENT',
    'refused',
    group === null
      ? `${name} is in no hostgroup, which would say its environment`
      : `the hostgroup ${group.title} has no environment`,
    { target: name, actions: ['Give the hostgroup a Puppet environment in Foreman (production).'] },
  );
}

async function nameOf(foreman: Foreman, target: NamedHost): Promise<string> {
  return (await locate(foreman, target)).record.name;
}

interface Override {
  id: number;
  match: string;
  value: unknown;
}

/** The value that is Foreman's for one host, made, changed, or left as it is. @returns whether anything was written */
async function setAgent(
  foreman: Foreman,
  site: Pick<Site, 'agentClass'>,
  fqdn: string,
  mode: 'none' | 'service',
): Promise<boolean> {
  const parameter = await runmodeOf(foreman, site);
  if (parameter === null)
    throw new D3Error(
      'FOREMAN_NO_RUNMODE',
      'notFound',
      `Foreman knows no parameter runmode of the Puppet class ${site.agentClass}`,
      {
        target: site.agentClass,
        actions: [
          'Install the module on the Puppet server and import its classes in Foreman, or name yours with foreman.agentClass.',
        ],
      },
    );
  const params = { id: parameter.id };
  if (!parameter.override)
    await foreman.call('changeClassParameter', { params, json: { smart_class_parameter: { override: true } } });
  const override_value = { match: matchOf(fqdn), value: mode };
  return ensured<Override | undefined>(
    async () => overrideOf(foreman, parameter.id, fqdn),
    (seen) => seen?.value === mode,
    async (seen) =>
      seen === undefined
        ? foreman.call('createOverride', { params, json: { override_value } })
        : foreman.call('changeOverride', { params: { ...params, override: seen.id }, json: { override_value } }),
  );
}

/** @returns whether there was one */
export async function removeOverride(foreman: Foreman, site: Pick<Site, 'agentClass'>, fqdn: string): Promise<boolean> {
  const parameter = await runmodeOf(foreman, site);
  if (parameter === null) return false;
  return ensured<Override | undefined>(
    async () => overrideOf(foreman, parameter.id, fqdn),
    (seen) => seen === undefined,
    async (seen) => foreman.find('deleteOverride', { params: { id: parameter.id, override: (seen as Override).id } }),
  );
}

/** The parameter of the class; null: Foreman knows none. */
export async function runmodeOf(
  foreman: Foreman,
  { agentClass }: Pick<Site, 'agentClass'>,
): Promise<{ id: number; override: boolean } | null> {
  const search = `puppetclass=${quoted(agentClass)} and key=runmode`;
  const rows = await foreman.list<{ id: number; parameter?: string; override?: boolean }>('classParameters', {
    search,
  });
  const found = rows.find(({ parameter }) => parameter === undefined || parameter === 'runmode');
  return found === undefined ? null : { id: found.id, override: found.override === true };
}

async function overrideOf(foreman: Foreman, parameter: number, fqdn: string): Promise<Override | undefined> {
  const rows = await foreman.list<Override>('overrides', {}, { id: parameter });
  return rows.find(({ match }) => match.toLowerCase() === matchOf(fqdn));
}

function matchOf(fqdn: string): string {
  return `fqdn=${fqdn.toLowerCase()}`;
}

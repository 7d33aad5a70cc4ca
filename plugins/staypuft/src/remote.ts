import { D3Error, type PluginContext } from '@d3/sdk';
import { targetNamed } from './deployment/reach.ts';
import { foremanClassifier } from './foreman/classifier.ts';
import { adminOf } from './kinds/admin.ts';
import type { PuppetParts, WithPuppet } from './puppet/parts.ts';
import { AGENT_RESOURCES } from './puppet/rules.ts';
import { sharedRemote } from './ssh/open.ts';
import type { SshRemote } from './ssh/remote.ts';
import type { Target } from './ssh-port.ts';
import type { Classifier, NamedHost } from './types.ts';

/** The way to the hosts of a depot: limits of proxies hold for all that this process does. @throws D3Error usage, notFound as opening one does */
export async function remoteOf(context: PluginContext): Promise<SshRemote> {
  const admin = adminOf(context);
  const ssh = await sharedRemote(admin, context);
  const settings = await context.settings.all();
  if (settings['deployment.transport'] !== 'foreman') return ssh;
  const { remoteByJobs } = await import('./foreman/by-jobs.ts');
  return remoteByJobs(ssh, settings);
}

/** What the steps of Puppet work with. */
export const withPuppet: WithPuppet = async (context, work) => {
  const admin = adminOf(context);
  const target = (host: string): Promise<Target> => targetNamed(admin, host);
  const settings = await context.settings.all();
  const parts: PuppetParts = {
    remote: await remoteOf(context),
    target,
    classifier: {
      agent: async (of, mode) => (await classifierOf(of, context)).agent(of, mode),
      environment: async (of, name) => (await classifierOf(of, context)).environment(of, name),
    },
    limits: {
      run: settings['deployment.puppetSeconds'] as number,
      wait: settings['deployment.puppetWaitSeconds'] as number,
    },
    agentResources: AGENT_RESOURCES,
  };
  return work(parts);
};

async function classifierOf(target: NamedHost, context: PluginContext): Promise<Classifier> {
  const found = await foremanClassifier(target, context);
  if (found !== null) return found;
  throw new D3Error(
    'FOREMAN_NOT_SAID',
    'usage',
    `${target.name} is a host of Foreman, and which Foreman is not said.`,
    {
      target: target.name,
      actions: ['set foreman.url, foreman.user and foreman.tokenFile, then: d3 deployment retry NAME'],
    },
  );
}

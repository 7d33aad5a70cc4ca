import type { PluginContext } from '@d3/sdk';
import type { Remote, Target } from '../ssh-port.ts';
import type { Classifier } from '../types.ts';
import type { PuppetLimits } from './step.ts';

/** What the kinds of steps of Puppet do their work with. */
export interface PuppetParts {
  remote: Remote;
  /** A host with the way to it. @throws D3Error notFound for a name nobody has */
  target(host: string): Promise<Target>;
  /** Null: d3 knows of no Foreman. */
  classifier: Classifier | null;
  limits: PuppetLimits;
  /** What the agent's service is called in catalogs, with what there is besides it. */
  agentResources: readonly string[];
  /** Absolute paths of agents on hosts; where packages have them unless said. */
  programs?: readonly string[];
}

/** Hands them to some work, and puts away what it opened for it. */
export type WithPuppet = <Result>(ctx: PluginContext, work: (parts: PuppetParts) => Promise<Result>) => Promise<Result>;

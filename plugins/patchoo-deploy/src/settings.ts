import type { SettingsPort } from '@d3/sdk';

type YesNo = 'yes' | 'no';

/** The settings of deployments as they are written; `rules/` reads what is in the lists. */
export interface WrittenSettings {
  attributes: readonly string[];
  optional: readonly string[];
  unasked: readonly string[];
  defaults: readonly string[];
  buildAttribute: string;
  setName: YesNo;
  askName: YesNo;
  nameTemplate: string | null;
  namePattern: string | null;
  nameTaken: 'refuse' | 'allow';
  nameUnchecked: 'ask' | 'accept';
  prompt: 'interactive' | 'never';
  promptSeconds: number;
  promptUnanswered: 'hold' | 'continue';
  checkIn: YesNo;
  deployEvent: string;
  buildEvent: string;
  extraEvents: readonly string[];
  holdPollSeconds: number;
  holdMaxHours: number;
  holdOnMax: 'stay' | 'release';
  update: YesNo;
  updateEvents: readonly string[];
  releaseGroups: readonly string[];
  updateMaxCycles: number;
  updateStuckCycles: number;
  updateStuck: 'hold' | 'release';
  afterSetup: 'auto' | 'always';
  afterDeploy: 'auto' | 'always';
  feedbackLog: string;
  feedbackIgnore: readonly string[];
  texts: readonly string[];
  icon: string | null;
  contact: string | null;
  show: readonly string[];
  webhookFile: string | null;
  webhookKind: 'generic' | 'slack' | 'teams';
  lock: YesNo;
  lockCodeFile: string | null;
  lockSeconds: number;
}

/** @throws D3Error usage when anything in the configuration is wrong */
export async function writtenSettings(port: Pick<SettingsPort, 'all'>): Promise<WrittenSettings> {
  const all = await port.all();
  const named = Object.entries(all).filter(([name]) => name.startsWith('provision.'));
  return Object.fromEntries(named.map(([name, value]) => [name.slice('provision.'.length), value])) as never;
}

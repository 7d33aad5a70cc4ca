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
  storedAccount: YesNo;
  checkIn: YesNo;
  deployEvent: string;
  buildEvent: string;
  extraEvents: readonly string[];
  busyMinutes: number;
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
  restartNotice: number;
  afterDeploy: 'auto' | 'always';
  feedbackLog: string;
  feedbackIgnore: readonly string[];
  texts: readonly string[];
  language: string | null;
  icon: string | null;
  contact: string | null;
  show: readonly string[];
  showEvent: string | null;
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

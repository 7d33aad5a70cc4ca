import { D3Error } from '@d3/sdk';
import { Flags } from '@oclif/core';
import type { PolicyChanges } from '../admin/policies.ts';
import { FREQUENCIES } from '../runs/policy-schema.ts';
import { commaList } from './words.ts';

/** What `d3admin policy add` and `edit` take. */
export const policyFlags = {
  file: Flags.string({ helpValue: 'FILE', summary: 'A policy in JSON or YAML; single flags count more.' }),
  description: Flags.string({ helpValue: 'TEXT', summary: 'What it is for.' }),
  events: Flags.string({ helpValue: 'LIST', summary: 'What sets it off, besides its name.' }),
  frequency: Flags.string({
    summary: 'Once on each computer, whenever asked for, or once a day.',
    options: [...FREQUENCIES],
  }),
  groups: Flags.string({ helpValue: 'LIST', summary: 'Groups it is for; standard: all computers.' }),
  'excluded-groups': Flags.string({ helpValue: 'LIST', summary: 'Groups it is not for.' }),
  departments: Flags.string({ helpValue: 'LIST', summary: 'Departments it is for.' }),
  buildings: Flags.string({ helpValue: 'LIST', summary: 'Buildings it is for.' }),
  provisioning: Flags.string({
    helpValue: 'NAME=LIST',
    summary: 'A further fact of the provisioning, with the values it is for; repeatable.',
    multiple: true,
  }),
  script: Flags.string({
    helpValue: 'SCRIPT',
    summary: 'A step that runs a script, by its name, its id or its file; repeatable.',
    multiple: true,
  }),
  install: Flags.string({ helpValue: 'LIST', summary: 'A step that installs these.' }),
};

interface PolicyFlagValues {
  file?: string | undefined;
  description?: string | undefined;
  events?: string | undefined;
  frequency?: string | undefined;
  groups?: string | undefined;
  'excluded-groups'?: string | undefined;
  departments?: string | undefined;
  buildings?: string | undefined;
  provisioning?: string[] | undefined;
  script?: string[] | undefined;
  install?: string | undefined;
}

/** What the flags say of a policy; an empty list takes away what there was. */
export async function policyChanges(flags: PolicyFlagValues): Promise<PolicyChanges> {
  const { readPolicyFile } = await import('../admin/policy-file.ts');
  const list = (text: string | undefined) => (text === undefined ? undefined : commaList(text));
  return {
    file: flags.file === undefined ? undefined : await readPolicyFile(flags.file),
    description: flags.description,
    events: list(flags.events),
    frequency: flags.frequency,
    groups: list(flags.groups),
    excludedGroups: list(flags['excluded-groups']),
    departments: list(flags.departments),
    buildings: list(flags.buildings),
    provisioning: flags.provisioning === undefined ? undefined : Object.fromEntries(flags.provisioning.map(pair)),
    scripts: flags.script,
    installs: list(flags.install),
  };
}

function pair(text: string): [string, string[]] {
  const [, name, values] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (name !== undefined) return [name.trim(), commaList(values)];
  throw new D3Error('USAGE', 'usage', `"${text}" is no NAME=LIST.`, {
    target: '--provisioning',
    actions: ['write it as in --provisioning role=lab,kiosk'],
  });
}

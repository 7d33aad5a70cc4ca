import type { AdminPort } from '@d3/sdk';
import { buildsIn, checkPolicies } from './doctor.ts';
import { readAttributes } from './rules/attributes.ts';
import type { WrittenSettings } from './settings.ts';

/** One thing an admin makes so that machines can be deployed as the settings say. */
export type Needed = {
  what: string;
  /** A command line, or where else it is made. */
  make: string;
  why: string;
};

/** All of it, what is there already too: in the order it is made. */
export async function needed(settings: WrittenSettings, admin: AdminPort): Promise<Needed[]> {
  const attributes = readAttributes(settings);
  const keys = attributes.map(({ key }) => key);
  const builds = buildsIn(await admin.documents('ea').list(), settings);
  const choices = builds.length === 0 ? ['office', 'studio'] : builds;
  const eas = keys.flatMap((key): Needed[] => {
    if (key === 'build') {
      const make = `d3admin ea add ${quoted(settings.buildAttribute)} --type choice --choices ${quoted(choices.join(','))}`;
      return [{ what: `extension attribute ${settings.buildAttribute}`, make, why: 'what a machine is built as' }];
    }
    if (!key.startsWith('ea:')) return [];
    const name = key.slice('ea:'.length);
    return [{ what: `extension attribute ${name}`, make: `d3admin ea add ${quoted(name)}`, why: 'is asked for' }];
  });
  const places = (['department', 'building', 'site'] as const)
    .filter((kind) => keys.includes(kind))
    .map((kind) => ({ what: `${kind}s`, make: `d3admin ${kind} add NAME`, why: 'the choices there are' }));
  const policies = (await checkPolicies(settings, choices, admin)).map(({ word }) => ({
    what: `policy for ${word}`,
    make: `d3admin policy add NAME --script FILE --events ${quoted(word)}`,
    why: 'is run on every machine of its scope: --groups, or by what the machine is',
  }));
  return [...eas, ...places, ...policies, ...GROUPS, ...ELSEWHERE];
}

const group = (name: string, state: string, why: string): Needed => ({
  what: `group ${name}`,
  make: `d3admin group add ${name} --criteria 'provisioning.state is ${state}'`,
  why,
});

const GROUPS: readonly Needed[] = [
  group('machines-holding', 'holding', 'machines that wait for somebody to say what they are'),
  group('machines-failed', 'failed-held', 'machines that a failure holds'),
  group('machines-deployed', 'released', 'machines that are deployed and patched'),
];

const ELSEWHERE: readonly Needed[] = [
  {
    what: 'rights in a served depot',
    make: 'd3admin token add NAME --role viewer (to look), --role admin (to assign)',
    why: 'a machine needs none: its own key is enough',
  },
  {
    what: 'what begins it on a machine',
    make: 'a policy on Enrollment Complete, or the package of a PreStage: d3 provision setup',
    why: 'a renewal of the management calls it with --enrolment renewal',
  },
  {
    what: 'profile for Macs',
    make: 'd3 service profile > d3.mobileconfig',
    why: 'keeps d3 switched on and lets it reach what it installs',
  },
  {
    what: 'in Jamf Pro: extension attributes and groups by them',
    make: 'd3 jamf snippets attributes; a smart group where "d3 report" is like *"state":"holding"*',
    why: 'for those who look there',
  },
  {
    what: 'in Jamf Pro: privileges',
    make: 'd3 jamf roles',
    why: 'for the API clients of the jamf plugin, if it is used',
  },
];

function quoted(text: string): string {
  return /^[\w,.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

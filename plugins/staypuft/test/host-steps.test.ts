import type { StepToRun } from '@d3/sdk';
import { expect } from 'chai';
import {
  checksFrom,
  type HostToDeploy,
  PHASES,
  phaseOfRun,
  runName,
  stepsOf,
  titleOf,
  usesPuppet,
} from '../src/rules/host-steps.ts';
import type { Role, RoleStep } from '../src/types.ts';

const role = (...steps: RoleStep[]): Role => ({
  name: 'web',
  after: [],
  mode: 'concurrent',
  leader: null,
  batches: [],
  abreast: 20,
  maxFailures: 0,
  min: 0,
  max: null,
  steps,
});
const host = (given: Partial<HostToDeploy>): HostToDeploy => ({
  deployment: 'shop',
  host: 'web1',
  kind: 'ssh',
  role: role({ sync: true }),
  puppet: false,
  hostgroup: 'base/web',
  ...given,
});
const words = (steps: readonly StepToRun[]) =>
  steps.map(({ kind, args }) =>
    [kind, args['do'], args['is'], args['environment'], args['hostgroup']]
      .flatMap((one) => (typeof one === 'string' ? [one] : one === null ? [''] : []))
      .join(' '),
  );
const all = (given: Partial<HostToDeploy>) => {
  const steps = stepsOf(host(given));
  return Object.fromEntries(PHASES.map((phase) => [phase, words(steps[phase])]));
};

describe('The steps of a host', () => {
  it('a host reached by SSH needs no Foreman and no Puppet', () => {
    expect(all({})).to.deep.equal({
      prepare: ['deploy-ready', 'deploy-mark on'],
      role: ['deploy-step'],
      release: ['deploy-mark off'],
    });
    const puppet = role({ puppet: {} });
    expect(all({ role: puppet, kind: 'computer' })).to.deep.equal({
      prepare: ['deploy-ready', 'deploy-mark on', 'deploy-agent off'],
      role: ['deploy-puppet'],
      release: ['deploy-agent on', 'deploy-mark off'],
    });
    expect(all({ puppet: true })).to.deep.equal(all({}));
  });

  it('staypuft:S1-02 staypuft:S1-12 staypuft:S1-13 staypuft:S1-14 a discovered host is installed, configured in production, and its agent switched on', () => {
    expect(all({ kind: 'discovered', puppet: true, role: role({ puppet: {} }, { assert: 'true' }) })).to.deep.equal({
      prepare: [
        'deploy-foreman convert',
        'deploy-foreman provision',
        'deploy-foreman provisioned',
        'deploy-ready',
        'deploy-mark on',
        'deploy-agent off discovery',
      ],
      role: ['deploy-foreman environment', 'deploy-puppet', 'deploy-step'],
      release: ['deploy-agent on', 'deploy-mark off'],
    });
    expect(all({ kind: 'discovered' })['prepare']).not.to.include('deploy-agent off discovery');
  });

  it('staypuft:S2-01 staypuft:S2-15 staypuft:S2-16 a registered host is neither installed anew nor restarted; its certificate is signed while it is deployed', () => {
    const registered = { kind: 'registered', puppet: true, role: role({ puppet: {} }) } as const;
    expect(all(registered)).to.deep.equal({
      prepare: ['deploy-ready', 'deploy-foreman autosign on', 'deploy-agent off discovery', 'deploy-mark on'],
      role: ['deploy-foreman environment', 'deploy-puppet'],
      release: ['deploy-agent on', 'deploy-mark off', 'deploy-foreman autosign off'],
    });
    expect(JSON.stringify(all({ ...registered, hostgroup: null }))).not.to.contain('deploy-foreman');
  });

  it('a step keeps its own time, its tries and its name, and says which deployment, host and role it is of', () => {
    const given: RoleStep = { script: '#!/bin/sh\ntrue\n', name: 'Warm the cache', timeout: 90, retries: 2 };
    expect(stepsOf(host({ role: role(given) })).role).to.deep.equal([
      {
        kind: 'deploy-step',
        name: 'Warm the cache',
        args: { deployment: 'shop', host: 'web1', role: 'web', step: given },
        timeout: 90,
        retries: 2,
      },
    ]);
    const only: RoleStep = { puppet: { rounds: 2, only: ['Service[puppet]'] } };
    expect(stepsOf(host({ role: role(only) })).role[0]?.args['puppet']).to.deep.equal(only.puppet);
  });

  it('every step is called what it does', () => {
    const steps: [RoleStep, string][] = [
      [{ sync: true }, 'sync'],
      [{ install: 'nginx' }, 'install nginx'],
      [{ script: '#!/bin/sh' }, 'script'],
      [{ policy: 'warm' }, 'policy warm'],
      [{ puppet: {} }, 'puppet'],
      [{ reboot: true }, 'restart'],
      [{ reboot: 'bmc' }, 'restart by its board'],
      [{ wait: { seconds: 5 } }, 'wait 5 seconds'],
      [{ wait: { port: 80 } }, 'wait for port 80'],
      [{ wait: { until: '\n\ttest -e /x\t\nfalse' } }, 'wait until test -e /x'],
      [{ assert: 'a\u0007b' }, 'check a b'],
      [{ service: 'nginx', is: 'on' }, 'service nginx on'],
    ];
    for (const [step, title] of steps) expect(titleOf(step)).to.equal(title);
    expect(titleOf({ assert: 'x'.repeat(500) }).length).to.be.lessThan(80);
  });

  it('staypuft:M-14 a host is being verified as soon as only the checks are left that its role ends with', () => {
    const check: RoleStep = { assert: 'true' };
    expect(checksFrom(stepsOf(host({ role: role({ sync: true }, check, { puppet: {} }, check, check) })))).to.equal(3);
    expect(checksFrom(stepsOf(host({ kind: 'registered', role: role(check) })))).to.equal(1);
    expect(checksFrom(stepsOf(host({ role: role(check, { sync: true }) })))).to.equal(null);
  });

  it('the name of a run says which phase of which host it is of', () => {
    for (const phase of PHASES) {
      expect(phaseOfRun('shop', runName('shop', 'db: role', phase))).to.deep.equal({ host: 'db: role', phase });
    }
    for (const name of ['shop', 'other: web1: role', 'shop: web1', 'shop: web1: later', 'shop: role']) {
      expect(phaseOfRun('shop', name)).to.equal(null);
    }
    expect(usesPuppet({ roles: [role({ sync: true }), role({ puppet: {} })] as never })).to.equal(true);
    expect(usesPuppet({ roles: [role({ sync: true })] as never })).to.equal(false);
  });
});

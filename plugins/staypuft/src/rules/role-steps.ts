import type { PuppetStep, RoleStep } from '../types.ts';
import { isLine } from './names.ts';
import { at, type Fields, type Reader } from './problems.ts';

/** Steps a role may have: a run has a few more. */
const MAX_STEPS = 400;
const MAX_SECONDS = 30 * 86_400;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** What a step can do; each is a key that says what. */
const DEEDS = ['sync', 'install', 'script', 'policy', 'puppet', 'reboot', 'wait', 'assert', 'service'] as const;
type Deed = (typeof DEEDS)[number];

/** Steps as they are read: one that is only a word does what the word says. */
export type StepWritten = RoleStep | 'sync' | 'reboot' | 'puppet';

/** The steps of a role; where it says none, it is one sync. */
export function readSteps(value: unknown, path: string, reader: Reader): RoleStep[] {
  const steps = reader.list(value, path, MAX_STEPS).flatMap((one, n) => {
    const step = stepOf(one, at(path, n), reader);
    return step === null ? [] : [step];
  });
  return steps.length === 0 ? [{ sync: true }] : steps;
}

/** A step as it is written best. */
export function writtenStep(step: RoleStep): StepWritten {
  if (Object.keys(step).length > 1) return step;
  if ('sync' in step) return 'sync';
  if ('reboot' in step && step.reboot === true) return 'reboot';
  return 'puppet' in step && Object.keys(step.puppet).length === 0 ? 'puppet' : step;
}

function stepOf(value: unknown, path: string, reader: Reader): RoleStep | null {
  const written = value === 'sync' || value === 'reboot' || value === 'puppet' ? { [value]: true } : value;
  if (typeof written === 'string') {
    reader.wrong(
      path,
      `"${written.slice(0, 80)}" alone does nothing`,
      `write one of ${DEEDS.join(', ')}, with what it needs`,
    );
    return null;
  }
  const fields = reader.fields(written, path, [...DEEDS, 'is', 'name', 'timeout', 'retries']);
  if (fields === null) return null;
  const deeds = DEEDS.filter((deed) => fields[deed] !== undefined);
  const [deed] = deeds;
  if (deed === undefined || deeds.length > 1) {
    const what = deed === undefined ? 'it says nothing to do' : `it says ${deeds.join(' and ')} at once`;
    reader.wrong(path, what, `write one of ${DEEDS.join(', ')} in each step`);
    return null;
  }
  if (fields['is'] !== undefined && deed !== 'service')
    reader.wrong(at(path, 'is'), 'only a service is on or off', 'leave it out');
  return { ...commonOf(fields, path, reader), ...deedOf(deed, fields, path, reader) } as RoleStep;
}

function commonOf(fields: Fields, path: string, reader: Reader): Pick<RoleStep, 'name' | 'timeout' | 'retries'> {
  const { name, timeout, retries } = fields;
  return {
    ...(name === undefined ? {} : { name: reader.text(name, at(path, 'name'), lineProblem) }),
    ...(timeout === undefined ? {} : { timeout: secondsOf(timeout, at(path, 'timeout'), reader) }),
    ...(retries === undefined ? {} : { retries: reader.whole(retries, at(path, 'retries'), 0, 100) }),
  };
}

function deedOf(deed: Deed, fields: Fields, path: string, reader: Reader): object {
  const value = fields[deed];
  const place = at(path, deed);
  switch (deed) {
    case 'sync':
      if (value !== true) reader.wrong(place, 'it can only be true', 'write sync: true, or just sync');
      return { sync: true };
    case 'reboot':
      if (value !== true && value !== 'bmc')
        reader.wrong(place, 'it can only be true or bmc', 'write reboot: true, or just reboot; or reboot: bmc');
      return { reboot: value };
    case 'install':
      return { install: reader.text(value, place, editionProblem) };
    case 'policy':
      return { policy: reader.text(value, place, lineProblem) };
    case 'script':
      return { script: reader.text(value, place, scriptProblem) };
    case 'assert':
      return { assert: reader.text(value, place, commandProblem) };
    case 'puppet':
      return { puppet: puppetOf(value, place, reader) };
    case 'wait':
      return { wait: waitOf(value, place, reader) };
    case 'service':
      return {
        service: reader.text(value, place, serviceProblem),
        is: reader.oneOf(fields['is'], at(path, 'is'), ['on', 'off']),
      };
  }
}

function puppetOf(value: unknown, path: string, reader: Reader): PuppetStep {
  if (value === true || value === null) return {};
  const fields = reader.fields(value, path, ['environment', 'rounds', 'apply', 'only']);
  if (fields === null) return {};
  const { environment, rounds, apply, only } = fields;
  if (environment !== undefined && apply !== undefined) {
    reader.wrong(path, 'a manifest that is applied has no environment', 'leave one of them out');
  }
  return {
    ...(environment === undefined
      ? {}
      : { environment: reader.text(environment, at(path, 'environment'), environmentProblem) }),
    ...(rounds === undefined ? {} : { rounds: reader.whole(rounds, at(path, 'rounds'), 1, 20) }),
    ...(apply === undefined ? {} : { apply: reader.text(apply, at(path, 'apply'), commandProblem) }),
    ...(only === undefined
      ? {}
      : {
          only: reader
            .list(only, at(path, 'only'), 1000)
            .map((one, n) => reader.text(one, at(at(path, 'only'), n), lineProblem)),
        }),
  };
}

type Wait = Extract<RoleStep, { wait: unknown }>['wait'];

function waitOf(value: unknown, path: string, reader: Reader): Wait {
  if (typeof value !== 'object' || value === null) return { seconds: secondsOf(value, path, reader) };
  const fields = reader.fields(value, path, ['seconds', 'until', 'every', 'port']);
  const { seconds, until, every, port } = fields ?? {};
  if ([seconds, until, port].filter((one) => one !== undefined).length !== 1) {
    reader.wrong(path, 'it does not say what is waited for', 'write one of seconds, until and port');
    return { seconds: 1 };
  }
  if (every !== undefined && until === undefined)
    reader.wrong(at(path, 'every'), 'only until is asked again', 'leave it out');
  if (seconds !== undefined) return { seconds: secondsOf(seconds, at(path, 'seconds'), reader) };
  if (port !== undefined) return { port: reader.whole(port, at(path, 'port'), 1, 65_535) };
  return {
    until: reader.text(until, at(path, 'until'), commandProblem),
    ...(every === undefined ? {} : { every: secondsOf(every, at(path, 'every'), reader) }),
  };
}

/** A time: seconds, or with a unit as on command lines. */
function secondsOf(value: unknown, path: string, reader: Reader): number {
  const [, digits, unit] = typeof value === 'string' ? (/^(\d{1,9})([smh])$/.exec(value) ?? []) : [];
  const seconds = digits === undefined ? value : Number(digits) * (SECONDS[unit ?? 's'] ?? 1);
  return reader.whole(seconds, path, 1, MAX_SECONDS);
}

function lineProblem(text: string): string | null {
  return text !== '' && text.length <= 255 && isLine(text) ? null : 'it is 1 to 255 characters on one line';
}

function editionProblem(text: string): string | null {
  return /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,149}$/.test(text) ? null : 'name a basename or an edition';
}

function serviceProblem(text: string): string | null {
  return /^[A-Za-z0-9][A-Za-z0-9@:._\\-]{0,254}$/.test(text)
    ? null
    : 'name a service as its system does: nginx, com.example.agent';
}

function environmentProblem(text: string): string | null {
  return /^[a-z0-9_]{1,100}$/.test(text) ? null : 'an environment of Puppet is called by a-z, 0-9 and _';
}

function commandProblem(text: string): string | null {
  const good = text.trim() !== '' && text.length <= 100_000 && text.isWellFormed() && !text.includes('\0');
  return good ? null : 'it is a text of at most 100,000 characters';
}

function scriptProblem(text: string): string | null {
  return commandProblem(text) ?? (/^#! ?\/./.test(text) ? null : 'its first line says what runs it: #!/bin/sh');
}

/** Whether, and how, a deployment begins. */

/** What called for it. `renewal`: the management profile was renewed; `existing`: a machine with people's data came under management. */
export type Enrolment = 'new' | 'renewal' | 'existing';

/** Who is at the machine, by its console. */
export type Console = 'user' | 'nobody' | 'setup-assistant' | 'screensaver' | 'other-user';

export interface StartQuestion {
  enrolment: Enrolment;
  /** The enrolment this machine has now: its id at the depot; null where it has none. */
  mark: string | null;
  /** The enrolment it was released under; null: it never was. */
  released: string | null;
  /** A deployment that is not over. */
  open: boolean;
  /** Somebody asked for it by hand, knowing that it was deployed before. */
  again: boolean;
}

export type StartVerdict = { kind: 'begin' } | { kind: 'resume'; why: string } | { kind: 'refuse'; why: string };

/** A renewal never starts a deployment, whatever else is so; one enrolment is deployed once. */
export function mayStart({ enrolment, mark, released, open, again }: StartQuestion): StartVerdict {
  if (enrolment === 'renewal') return { kind: 'refuse', why: 'its management was renewed, which is no new enrolment' };
  if (open) return { kind: 'resume', why: 'a deployment of this machine is not over' };
  if (released !== null && (mark === null || mark === released) && !again)
    return { kind: 'refuse', why: 'it was deployed and released under this enrolment' };
  if (enrolment === 'existing' && !again)
    return { kind: 'refuse', why: 'people work with it: it is not locked and deployed like a new one' };
  return { kind: 'begin' };
}

/** Whether somebody is asked. Who is not there, or asleep behind a screensaver, or another one than the screen's, is not. */
export function isAsked(prompt: 'interactive' | 'never', console: Console): boolean {
  return prompt === 'interactive' && (console === 'user' || console === 'setup-assistant');
}

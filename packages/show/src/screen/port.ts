/** What may show and ask, in the order it is tried; a terminal is for who started d3 in one. */
export const WAYS = ['swiftDialog', 'page', 'kiosk', 'jamfHelper', 'terminal'] as const;
export type WayName = (typeof WAYS)[number];

export type StepState = 'waiting' | 'running' | 'done' | 'failed' | 'skipped';

export interface ShownStep {
  name: string;
  state: StepState;
  /** A word beside it. */
  note?: string;
}

/** Something to be looked at. */
export interface View {
  title: string;
  /** Lines. */
  message: string;
  /** The newest of what happens, in one line; empty: nothing to tell. */
  newest: string;
  /** Absolute path of an image; null: none. */
  icon: string | null;
  steps: readonly ShownStep[];
  /** How far it is; null: nobody knows, or there is nothing to measure. */
  bar: { done: number; total: number } | null;
  /** What somebody reads out or writes down: a code, whom to call. */
  facts: readonly Fact[];
}

export interface Fact {
  label: string;
  value: string;
}

/** The one way out of a lock: a button, and what it asks. What the form's `check` lets pass is for who locked to act upon. */
export interface Escape {
  label: string;
  form: Form;
}

export interface TextField {
  kind: 'text';
  name: string;
  label: string;
  value: string;
  /** Hidden while it is typed, and forgotten when it was wrong. */
  secret: boolean;
  /** What is said when it is left empty; null: it may be. */
  required: string | null;
}

export interface ChoiceField {
  kind: 'choice';
  name: string;
  label: string;
  options: readonly { value: string; label: string }[];
  /** The value that is chosen at first; null: none. */
  value: string | null;
  required: string | null;
}

export type Field = TextField | ChoiceField;

export interface FormButton {
  id: string;
  label: string;
  /** Whether what is in the fields counts, so that it is checked. */
  checks: boolean;
}

export type Values = Readonly<Record<string, string>>;
/** What is wrong, by the names of fields; under the empty name, of all of it. */
export type Faults = Readonly<Record<string, string>>;

/** A question with fields; without any, something somebody is told and presses a button for. */
export interface Form {
  /** What it is called where answers are written down beforehand. */
  id: string;
  title: string;
  /** Lines. */
  text: string;
  icon: string | null;
  facts: readonly Fact[];
  fields: readonly Field[];
  /** The first is what return presses. */
  buttons: readonly FormButton[];
  /** When it answers itself, and by which button; null: it stands until somebody answers. */
  limit: { seconds: number; button: string; countdown: string } | null;
  /** What it means when its window is closed; null: it comes up again. */
  closed: string | null;
  /** Asked with what was typed before it is taken. */
  check?: (values: Values, button: string) => Promise<Faults | null>;
}

export type FormAnswer =
  | { button: string; values: Values; by: 'person' | 'time' }
  /** Nobody could be asked: why, one line for each way. */
  | { button: null; reasons: readonly string[] };

/** The screen of a machine. One thing after the other stands on it, never two at once. */
export interface Screen {
  /** What shows now. */
  way(): WayName | 'none';
  /** What did not come up, and why. */
  failed(): readonly { way: WayName; reason: string }[];
  /** What cannot be done as it is shown now, in words. */
  limits(): readonly string[];
  /** Shows how it goes, until something else is shown. */
  progress(view: View): void;
  /** The same on the whole screen, without a way past it but the escape. */
  lock(view: View, escape: Escape | null): void;
  /** Asks, over whatever is shown; it is there again afterwards. */
  ask(form: Form): Promise<FormAnswer>;
  /** Waits until what is wanted stands there, or nothing can. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** One of several answers. */
export interface Option<Value> {
  value: Value;
  label: string;
  /** Shown below while the cursor is on it. */
  note?: string;
}

/** What is wrong with a line, or null. */
export type Check = (text: string) => string | null | Promise<string | null>;

export interface Confirmation {
  question: string;
  /** The flag that answers yes, as it is typed: `-a`. Named in the error when nobody can be asked. */
  flag: string;
  /** Lines shown before the question: what is about to happen. */
  details?: readonly string[];
}

export interface Question {
  question: string;
  /** What answers it on a command line. */
  flag: string;
  /** The answer when only return is pressed. */
  preset?: string | undefined;
  details?: readonly string[];
  /** Asked before an answer is taken. */
  check?: Check;
  /** Aborted, the question is taken away unanswered; it rejects then. */
  signal?: AbortSignal;
}

export interface Choice<Value> extends Omit<Question, 'preset' | 'check'> {
  options: readonly Option<Value>[];
  /** Where the cursor stands at first; else on the first. */
  preset?: Value;
}

export interface Search<Value> extends Omit<Question, 'preset' | 'check'> {
  find: (typed: string) => readonly Option<Value>[];
}

/**
 * The person at the terminal of a command. Where nobody can be asked, each throws what says so: usage, naming the flag that would
 * have answered; left with ctrl-c, each throws what ends the command.
 */
export interface Questions {
  /** @returns whether the answer was yes; no is what return alone answers */
  confirm(confirmation: Confirmation): Promise<boolean>;
  /** Asks for a line. */
  text(question: Question): Promise<string>;
  /** Asks for something that is not shown while it is typed. Where nobody can be asked it is the first line of stdin. */
  secret(question: Omit<Question, 'preset' | 'check'>): Promise<string>;
  /** Lets somebody choose from a list. */
  choose<Value>(choice: Choice<Value>): Promise<Value>;
  /** Lets somebody choose from what there is for the text typed so far. */
  search<Value>(search: Search<Value>): Promise<Value>;
}

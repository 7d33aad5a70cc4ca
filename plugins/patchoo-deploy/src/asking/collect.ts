import type { Form, FormAnswer, Screen } from '@d3/show';
import type { Attribute, Source, Values } from '../rules/attributes.ts';
import { readingOf } from '../rules/attributes.ts';
import type { NameVerdict } from '../rules/names.ts';
import {
  type Choosing,
  choicesUnread,
  choose,
  chooseAll,
  confirmName,
  incomplete,
  type Look,
  nameExists,
  nameUnchecked,
  type Options,
  summary,
  UNANSWERED,
  welcome,
} from '../screens/forms.ts';
import { NotSignedIn } from './sign-in.ts';

/** Asks whoever is there what a machine is: its name, then what its record lacks, or what they want changed. */

export interface CollectParts {
  screen: Pick<Screen, 'ask'>;
  look: Look;
  attributes: readonly Attribute[];
  /** Proposed; null: names are not asked for. */
  name: string | null;
  /** What the record says. */
  said: Values;
  /** Somebody came to do just this: nobody is welcomed, or asked whether it is to be done. */
  atOnce?: boolean;
  /** What is wrong with a name by itself; null: nothing. */
  checkName: (name: string) => string | null;
  /** Whether it may be used, after having asked who knows. */
  judgeName: (name: string) => Promise<NameVerdict>;
  /**
   * What there is to choose from; null: there is no list of it, so that it is typed.
   * @throws Error with what stands against it, in words
   */
  choices: (attribute: Attribute) => Promise<Options>;
  /** Whether what shows now can ask all of it at once; left out: one after the other. */
  isWhole?: () => boolean;
}

/**
 * `confirmed`: what is known is right. `answered`: something was chosen. `skipped`: somebody wants to go on without. `unanswered`:
 * nobody was there. `unasked`: nobody could be asked.
 */
export interface Collected {
  state: 'confirmed' | 'answered' | 'skipped' | 'unanswered' | 'unasked';
  /** Null: it was not asked for, or not answered. */
  name: string | null;
  /** What was chosen, by attribute; one that was chosen to be nothing is empty. */
  values: Values;
  /** Why nobody could be asked. */
  reasons: readonly string[];
}

/** Ends the questions from within. */
class Ended extends Error {
  readonly state: Collected['state'];
  readonly reasons: readonly string[];

  constructor(state: Collected['state'], reasons: readonly string[] = []) {
    super(state);
    this.state = state;
    this.reasons = reasons;
  }
}

export async function collect(parts: CollectParts): Promise<Collected> {
  const { screen, look } = parts;
  const chosen: Record<string, string> = {};
  let name: string | null = null;
  try {
    if (parts.atOnce !== true) await ask(screen, welcome(look));
    name = await askName(parts);
    const state = await askValues(parts, chosen);
    return { state, name, values: chosen, reasons: [] };
  } catch (error) {
    if (error instanceof NotSignedIn) {
      const { alone, message } = error;
      return { state: alone ? 'unanswered' : 'skipped', name, values: chosen, reasons: [message] };
    }
    if (!(error instanceof Ended)) throw error;
    return { state: error.state, name, values: chosen, reasons: error.reasons };
  }
}

type Answered = Extract<FormAnswer, { button: string }>;

async function ask(screen: Pick<Screen, 'ask'>, form: Form): Promise<Answered> {
  const answer = await screen.ask(form);
  if (answer.button === null) throw new Ended('unasked', answer.reasons);
  if (answer.button === UNANSWERED) throw new Ended('unanswered');
  return answer;
}

/** Until one is good, however often: it is asked anew with what was proposed at first. */
async function askName({ screen, look, name, checkName, judgeName }: CollectParts): Promise<string | null> {
  if (name === null) return null;
  for (;;) {
    const { values } = await ask(screen, confirmName(look, name, checkName));
    const wanted = values['name'] ?? '';
    if (await isGood({ screen, look, judgeName }, wanted)) return wanted;
  }
}

async function isGood(
  { screen, look, judgeName }: Pick<CollectParts, 'screen' | 'look' | 'judgeName'>,
  name: string,
): Promise<boolean> {
  for (;;) {
    const verdict = await judgeName(name);
    if (verdict.kind === 'good') return true;
    if (verdict.kind !== 'unchecked') {
      await ask(screen, nameExists(look, name));
      return false;
    }
    const { button, by } = await ask(screen, nameUnchecked(look, name));
    if (button === 'accept') return true;
    // Nobody is there to try it again with.
    if (by === 'time') throw new Ended('unanswered');
  }
}

async function askValues(parts: CollectParts, chosen: Record<string, string>): Promise<Collected['state']> {
  const { screen, look, attributes, said } = parts;
  const reading = readingOf(attributes, said);
  const facts = attributes.flatMap(({ key, label }) => {
    const value = reading.values[key];
    return value === undefined ? [] : [{ label, value: withSource(value, key, reading) }];
  });
  if (reading.kind === 'complete') {
    if (facts.length === 0) return 'confirmed';
    const { button } = await ask(screen, summary(look, facts));
    if (button === 'continue') return 'confirmed';
  } else if (parts.atOnce !== true) {
    const missing = reading.missing.map(({ label }) => label);
    const { button } = await ask(screen, incomplete(look, facts, missing));
    if (button === 'skip') return 'skipped';
  }
  await askEach(parts, reading.values, chosen);
  return 'answered';
}

function withSource(value: string, key: string, reading: ReturnType<typeof readingOf>): string {
  const source: Source | undefined = reading.sources[key];
  return source === 'default' ? `${value} (default)` : value;
}

/** What is asked for, with what is chosen at first. */
function choosing(
  { key, label, required }: Attribute,
  options: Options,
  wanted: string | null,
  back: boolean,
): Choosing {
  const isThere = options === null || options.some((option) => option.value === wanted);
  return { key, label, required, back, value: isThere ? wanted : null };
}

async function askEach(parts: CollectParts, known: Values, chosen: Record<string, string>): Promise<void> {
  const asked = parts.attributes.filter((attribute) => attribute.asked);
  if (asked.length > 1 && parts.isWhole?.() === true && (await askTogether(parts, asked, known, chosen))) return;
  await askInTurn(parts, asked, known, chosen);
}

/** @returns false where that cannot be: something is needed of which there is nothing, which has to be said */
async function askTogether(
  parts: CollectParts,
  asked: readonly Attribute[],
  known: Values,
  chosen: Record<string, string>,
): Promise<boolean> {
  const { screen, look } = parts;
  const all = [];
  for (const attribute of asked) {
    const options = await optionsOf(parts, attribute);
    if (options !== null && options.length === 0) {
      if (attribute.required) return false;
      continue;
    }
    all.push({ choosing: choosing(attribute, options, known[attribute.key] ?? null, false), options });
  }
  const { button, values } = await ask(screen, chooseAll(look, all));
  if (button === 'skip') throw new Ended('skipped');
  for (const { choosing: one } of all) chosen[one.key] = values[one.key] ?? '';
  return true;
}

/** One after the other, with a way back to the one before; what was chosen is kept on the way. */
async function askInTurn(
  parts: CollectParts,
  asked: readonly Attribute[],
  known: Values,
  chosen: Record<string, string>,
): Promise<void> {
  const { screen, look } = parts;
  for (let at = 0; at < asked.length; ) {
    const attribute = asked[at] as Attribute;
    const { key } = attribute;
    const options = await optionsOf(parts, attribute);
    const one = choosing(attribute, options, chosen[key] ?? known[key] ?? null, at > 0);
    const { button, values } = await ask(screen, choose(look, one, options));
    if (button === 'skip') throw new Ended('skipped');
    if (button === 'back') {
      at -= 1;
      continue;
    }
    chosen[key] = values['value'] ?? '';
    at += 1;
  }
}

async function optionsOf(
  { screen, look, choices }: Pick<CollectParts, 'screen' | 'look' | 'choices'>,
  attribute: Attribute,
): Promise<Options> {
  for (;;) {
    try {
      return await choices(attribute);
    } catch (error) {
      if (error instanceof NotSignedIn) throw error;
      const { button, by } = await ask(screen, choicesUnread(look, attribute.label, (error as Error).message));
      if (button === 'skip') throw new Ended('skipped');
      if (by === 'time') throw new Ended('unanswered');
    }
  }
}

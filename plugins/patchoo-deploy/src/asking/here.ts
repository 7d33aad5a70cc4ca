import { D3Error, type PluginContext, type ProvisioningLogin } from '@d3/sdk';
import type { Screen } from '@d3/show';
import type { Assigned } from '../assign.ts';
import { readAttributes, readingOf, valuesOf } from '../rules/attributes.ts';
import { judgeName, namePattern, proposedName } from '../rules/names.ts';
import type { Look } from '../screens/forms.ts';
import { languageOf, readTexts } from '../screens/texts.ts';
import type { WrittenSettings } from '../settings.ts';
import { type Collected, collect } from './collect.ts';
import { type Keeper, wordsOf } from './keeper.ts';
import { SignIn } from './sign-in.ts';
import { writeAnswers } from './write.ts';

export interface PromptHere {
  keeper: Keeper;
  ports: Pick<PluginContext, 'machine'>;
  settings: WrittenSettings;
  screen: Pick<Screen, 'ask' | 'way'>;
  /** Somebody is here to do just this: nobody is welcomed, or asked whether it is to be done. */
  atOnce?: boolean;
}

export type Prompted = {
  state: Collected['state'];
  computer: Assigned['computer'];
  name: string | null;
  values: Readonly<Record<string, string>>;
  /** `nothing`: there was nothing to write. */
  written: 'yes' | 'no' | 'nothing';
  /** Why nobody could be asked, or nothing was written. */
  reasons: readonly string[];
  record: Readonly<Record<string, string>>;
};

/** What shows a form as a whole. */
const WHOLE: readonly string[] = ['swiftDialog', 'page', 'kiosk'];

/** How the screens of a deployment look, as it is set. @throws D3Error usage for texts that are none */
export function lookOf(settings: Pick<WrittenSettings, 'texts' | 'language' | 'icon' | 'promptSeconds'>): Look {
  return {
    texts: readTexts(settings.texts, languageOf(settings)),
    icon: settings.icon,
    seconds: settings.promptSeconds,
  };
}

/** Asks whoever sits there what a machine is, and writes it in one change that is read back. */
export async function promptHere({ keeper, ports, settings, screen, atOnce = false }: PromptHere): Promise<Prompted> {
  const look = lookOf(settings);
  const attributes = readAttributes(settings);
  const pattern = namePattern(settings.namePattern);
  const facts = await ports.machine.facts();
  const computer = await keeper.computer();
  const before = await keeper.record();
  const record = before === null ? {} : wordsOf(before);
  const said = valuesOf(before, attributes, settings.buildAttribute);
  const signIn = new SignIn({ screen, look, asks: keeper.asks });
  const reading = <Result>(work: (account: ProvisioningLogin | null) => Promise<Result>): Promise<Result> =>
    keeper.readsWithAccount ? signIn.using(work) : work(null);
  const judge = (name: string, isAnothers: boolean | null) =>
    judgeName({
      name,
      own: 'own',
      owners: isAnothers === null ? null : isAnothers ? ['another'] : [],
      pattern,
      taken: settings.nameTaken,
      unchecked: settings.nameUnchecked,
    });
  const template = settings.nameTemplate;
  const proposed =
    template === null
      ? null
      : proposedName(template, { serial: computer.serial, model: facts.model }, readingOf(attributes, said).values);
  try {
    const collected = await collect({
      screen,
      look,
      attributes,
      name: settings.askName === 'yes' ? (record['name'] ?? proposed ?? computer.name) : null,
      said,
      atOnce,
      isWhole: () => WHOLE.includes(screen.way()),
      checkName: (name) => {
        const verdict = judge(name, false);
        return verdict.kind === 'good' ? null : verdict.why;
      },
      judgeName: async (name) => {
        // Its own name is nobody else's: nobody has to be asked for it.
        if (name === record['name'] || settings.nameTaken === 'allow') return judge(name, false);
        return judge(name, await orUnknown(reading((account) => keeper.isAnothers(name, account))));
      },
      choices: (attribute) => reading((account) => keeper.choices(attribute, account)),
    });
    const { state, name, reasons, values } = collected;
    const shown = { state, computer, name, values };
    const newName = name !== null && name !== record['name'] ? name : null;
    if (newName === null && Object.keys(values).length === 0) return { ...shown, written: 'nothing', reasons, record };
    // Who would not give an account is not asked for it once more.
    if (reasons.length > 0) return { ...shown, written: 'no', reasons, record };
    let after: Readonly<Record<string, string>> = record;
    const written = await writeAnswers({
      screen,
      look,
      signIn,
      write: async (account) => {
        after = await keeper.write({ name: newName, values }, account);
      },
    });
    if (written.state === 'written') return { ...shown, written: 'yes', reasons, record: after };
    return { ...shown, written: 'no', reasons: [...reasons, written.why], record };
  } finally {
    signIn.forget();
  }
}

/** Null where nobody answers now. */
async function orUnknown(asked: Promise<boolean>): Promise<boolean | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof D3Error && error.exit === 'depotUnreachable') return null;
    throw error;
  }
}

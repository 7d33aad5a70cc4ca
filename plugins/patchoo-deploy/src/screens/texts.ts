import { D3Error } from '@d3/sdk';

/** Everything that people at a machine read during its deployment. Each is a setting: `provision.texts` has `KEY=TEXT`. */
export const TEXTS = {
  'welcome.title': 'Welcome',
  'welcome.text': 'Welcome to this computer’s deployment.\nWe are gathering provisioning information.',
  'welcome.button': 'OK',
  'welcome.countdown': 'It goes on in %s.',
  'name.title': 'Computer name',
  'name.text': 'Please confirm this computer’s name.',
  'name.label': 'Computer name',
  'name.button': 'Confirm and Set',
  'name.blank': 'The computer name cannot be blank.',
  'exists.title': 'This name is taken',
  'exists.text': 'A computer named %s already exists.',
  'exists.button': 'Oops',
  'unchecked.title': 'This name could not be checked',
  'unchecked.text': 'Nobody can say now whether another computer is called %s.',
  'unchecked.again': 'Try again',
  'unchecked.accept': 'Use it unchecked',
  'summary.title': 'Provisioning information',
  'summary.text': 'This computer has the following provisioning information:',
  'summary.continue': 'Continue',
  'summary.change': 'Change',
  'incomplete.title': 'Provisioning information',
  'incomplete.text': 'This computer has incomplete provisioning information.',
  'incomplete.missing': 'Missing',
  'incomplete.configure': 'Configure',
  'details.title': 'Provisioning information',
  'choice.text': 'Please choose:',
  'choice.button': 'OK',
  'choice.none': 'Please choose one.',
  'choice.empty': 'There is nothing to choose from: nobody has named any yet.',
  'choice.typed': 'Please say which.',
  'choice.unread': 'The choices cannot be read: %s',
  'credentials.title': 'Admin credentials',
  'credentials.text':
    'Please enter the account of an admin who may change this computer’s record. It is used once and not kept.',
  'credentials.user': 'User name',
  'credentials.password': 'Password',
  'credentials.token': 'Token',
  'credentials.who': 'Please say who you are. It is kept with what you choose.',
  'credentials.button': 'OK',
  'credentials.blank': 'Both are needed.',
  'refused.title': 'Not accepted',
  'refused.text': 'The admin username or password was incorrect.',
  'unwritten.title': 'Not written',
  'unwritten.text': 'The provisioning information could not be written: %s',
  'refused.again': 'Try again',
  'restart.title': 'Ready to provision',
  'restart.text': 'This computer will restart. Please save your work.',
  'restart.button': 'Restart',
  'restart.countdown': 'It restarts in %s.',
  back: 'Back',
  skip: 'Skip',
  countdown: 'Without an answer it goes on in %s.',
  'lock.title': 'This computer is being provisioned',
  'lock.text': 'Do not interrupt or power off.',
  'lock.waiting': 'Waiting for the server.',
  'lock.restarting': 'It is about to restart.',
  'lock.dead': 'Nothing works on it at the moment; it is started again by itself.',
  'hold.text': 'Awaiting provisioning information. Your admin has been notified.',
  'failed.title': 'Provisioning has stopped',
  'failed.text':
    'Something that is needed failed. This computer stays locked until somebody decides. Your admin has been notified.',
  'fact.code': 'Code',
  'fact.serial': 'Serial number',
  'fact.contact': 'Contact',
  'fact.missing': 'Missing',
  'fact.elapsed': 'Waiting for',
  'fact.failed': 'Failed',
  'escape.button': 'Technician…',
  'escape.title': 'Technician',
  'escape.text': 'The code is with whoever administers this computer.',
  'escape.code': 'Code',
  'escape.wrong': 'That is not the code.',
  'escape.wait': 'Too many wrong codes. Please wait %s.',
  'escape.what': 'What is to be done',
  'escape.who': 'Your name',
  'escape.why': 'Why',
  'escape.needed': 'This is needed.',
  'escape.do': 'Do it',
  'escape.cancel': 'Back to the lock',
  'escape.fill': 'Fill in the provisioning information',
  'escape.retry': 'Try the failed step again',
  'escape.skip': 'Go on without the failed step',
  'escape.release': 'Release the computer as it is',
} as const;

export type TextKey = keyof typeof TEXTS;
export type Texts = Readonly<Record<TextKey, string>>;

/** `de`, `pt-BR`. */
const LANGUAGE = /^([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*):(.*)$/s;

/**
 * The texts as they are set: those that are not are d3's own. `\n` begins another line. One of a language (`de:KEY=TEXT`) counts where
 * that language is spoken, before one of none; one of `de` also where `de-CH` is.
 * @param language as it is called in `de-CH`; null: none
 * @throws D3Error usage for what is no text of a screen
 */
export function readTexts(set: readonly string[], language: string | null = null): Texts {
  const changed = set.map((entry) => {
    const [, of = null, plain = entry] = LANGUAGE.exec(entry) ?? [];
    const at = plain.indexOf('=');
    const key = plain.slice(0, Math.max(0, at)).trim();
    const text = plain.slice(at + 1).trim();
    if (!Object.hasOwn(TEXTS, key)) throw wrong(at < 1 ? `"${entry}" is not KEY=TEXT` : `there is no text ${key}`);
    if (text === '') throw wrong(`${key} is empty`);
    if (TEXTS[key as TextKey].includes('%s') && !text.includes('%s')) throw wrong(`${key} has to have %s in it`);
    return { weight: weightOf(of, language), key: key as TextKey, text: text.replaceAll('\\n', '\n') };
  });
  const spoken = changed
    .filter(({ weight }) => weight >= 0)
    .toSorted((a, b) => a.weight - b.weight)
    .map(({ key, text }) => [key, text] as const);
  return { ...TEXTS, ...Object.fromEntries(spoken) };
}

/** How near a text's language is to the one that is spoken; below 0: it is another. */
function weightOf(of: string | null, spoken: string | null): number {
  if (of === null) return 0;
  const [wanted, said] = [of.toLowerCase(), (spoken ?? '').toLowerCase()];
  return said === wanted || said.startsWith(`${wanted}-`) ? of.length : -1;
}

/** The language that is spoken at a machine: as it is set, else as whoever started d3 has it. */
export function languageOf(
  { language }: { language: string | null },
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | null {
  const said = language ?? env['LC_ALL'] ?? env['LC_MESSAGES'] ?? env['LANG'] ?? null;
  const [plain = ''] = (said ?? '').split('.');
  return /^[a-z]{2,3}([_-][A-Za-z0-9]+)*$/.test(plain) ? plain.replaceAll('_', '-') : null;
}

function wrong(why: string): D3Error {
  return new D3Error('PROVISION_TEXTS', 'usage', `provision.texts cannot be used: ${why}.`, {
    target: 'provision.texts',
    actions: [`the texts are: ${Object.keys(TEXTS).join(', ')}`],
  });
}

/** A text about something. */
export function about(text: string, what: string): string {
  return text.replace('%s', () => what);
}

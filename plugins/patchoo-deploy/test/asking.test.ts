import { readFileSync } from 'node:fs';
import path from 'node:path';
import { D3Error, type ProvisioningLogin } from '@d3/sdk';
import { ScriptedScreen } from '@d3/show';
import { expect } from 'chai';
import fc from 'fast-check';
import { type CollectParts, collect } from '../src/asking/collect.ts';
import { SignIn } from '../src/asking/sign-in.ts';
import { type WriteParts, writeAnswers } from '../src/asking/write.ts';
import { readAttributes } from '../src/rules/attributes.ts';
import { judgeName } from '../src/rules/names.ts';
import { type AccountKind, type Look, restartNotice, welcome } from '../src/screens/forms.ts';
import { readTexts, TEXTS } from '../src/screens/texts.ts';

const look: Look = { texts: readTexts([]), icon: null, seconds: 600 };
const attributes = readAttributes({
  attributes: ['build', 'site', 'department', 'building'],
  optional: [],
  unasked: [],
  defaults: [],
});
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  build: ['creative', 'studio'],
  site: ['Perth', 'Bern'],
  department: ['R&D, Perth', 'Büro', 'Ops'],
  building: ['MEB', 'MEW'],
};
const COMPLETE = { build: 'studio', site: 'Perth', department: 'Ops', building: 'MEB' };

function parts(screen: ScriptedScreen, changed: Partial<CollectParts> = {}): CollectParts {
  return {
    screen,
    look,
    attributes,
    name: 'host-1',
    said: {},
    checkName: () => null,
    judgeName: async () => ({ kind: 'good' }),
    choices: async ({ key }) => (CHOICES[key] ?? []).map((value) => ({ value, label: value })),
    ...changed,
  };
}

const asked = (screen: ScriptedScreen) => screen.events.flatMap((event) => (event.kind === 'asked' ? [event.id] : []));

describe('asking what a machine is', () => {
  it('patchoo:DS-08 welcomes, and goes on by itself after five seconds', async () => {
    expect(welcome(look)).to.deep.include({
      limit: { seconds: 5, button: 'ok', countdown: 'It goes on in %s.' },
      closed: 'ok',
    });
  });

  it('patchoo:DS-12 patchoo:CN-01 a complete record is shown, and Continue keeps it: G2', async () => {
    const screen = new ScriptedScreen({ name: {}, summary: { button: 'continue' } });
    const collected = await collect(parts(screen, { said: COMPLETE }));
    expect(collected).to.deep.equal({ state: 'confirmed', name: 'host-1', values: {}, reasons: [] });
    expect(asked(screen)).to.deep.equal(['welcome', 'name', 'summary']);
  });

  it('patchoo:DS-12 patchoo:DS-14 patchoo:DS-15 patchoo:DS-16 patchoo:DS-17 Change asks each with its current value chosen, in the order of the attributes', async () => {
    const screen = new ScriptedScreen({
      name: {},
      summary: { button: 'change' },
      build: {},
      site: { values: { value: 'Bern' } },
      department: { values: { value: 'R&D, Perth' } },
      building: {},
    });
    const collected = await collect(parts(screen, { said: COMPLETE }));
    expect(collected.values).to.deep.equal({
      build: 'studio',
      site: 'Bern',
      department: 'R&D, Perth',
      building: 'MEB',
    });
    expect(collected.state).to.equal('answered');
    expect(asked(screen)).to.deep.equal(['welcome', 'name', 'summary', 'build', 'site', 'department', 'building']);
  });

  it('patchoo:DS-13 an incomplete record says what is missing: Skip goes on without, nobody there configures', async () => {
    const skip = new ScriptedScreen({ name: {}, incomplete: { button: 'skip' } });
    expect(await collect(parts(skip))).to.deep.include({ state: 'skipped', name: 'host-1', values: {} });
    const alone = new ScriptedScreen({ name: {} });
    // Configure is what it answers itself; the first choice then finds nobody.
    expect(await collect(parts(alone))).to.deep.include({ state: 'unanswered' });
    expect(asked(alone)).to.deep.equal(['welcome', 'name', 'incomplete', 'build']);
  });

  it('patchoo:DS-21 goes back to the question before, with what was chosen there, and no further than the first', async () => {
    const screen = new ScriptedScreen({
      name: {},
      incomplete: { button: 'configure' },
      build: [{ values: { value: 'studio' } }, { values: { value: 'creative' } }],
      site: [{ button: 'back' }, { values: { value: 'Perth' } }],
      department: [{ values: { value: 'Ops' } }],
      building: [{ button: 'back' }, { values: { value: 'MEW' } }],
    });
    // The department is asked again after going back: with what was chosen, which is taken as it stands.
    const scripted = parts(screen);
    const answers = screen as unknown as { ask: (typeof screen)['ask'] };
    const ask = answers.ask.bind(screen);
    const seen: (string | null)[] = [];
    answers.ask = async (form) => {
      const [field] = form.fields;
      seen.push(field?.kind === 'choice' ? `${form.id}=${field.value ?? ''}` : form.id);
      if (form.id === 'build') expect(form.buttons.map(({ id }) => id)).to.deep.equal(['ok', 'skip']);
      if (form.id === 'department' && field?.value === 'Ops')
        return { button: 'ok', values: { value: 'Ops' }, by: 'person' };
      return ask(form);
    };
    const collected = await collect(scripted);
    expect(collected.values).to.deep.equal({ build: 'creative', site: 'Perth', department: 'Ops', building: 'MEW' });
    expect(seen.slice(3)).to.deep.equal([
      'build=',
      'site=',
      'build=studio',
      'site=',
      'department=',
      'building=',
      'department=Ops',
      'building=',
    ]);
  });

  it('patchoo:DS-15 patchoo:DS-21 what shows a form as a whole asks all of it at once; what there is nothing of is said on its own', async () => {
    const values = { build: 'studio', site: 'Bern', department: 'Ops', building: 'MEW' };
    const screen = new ScriptedScreen({
      name: {},
      incomplete: {},
      details: [{ values: { build: 'nobody’s' } }, { values }],
    });
    const collected = await collect(parts(screen, { isWhole: () => true }));
    expect([collected.state, collected.values]).to.deep.equal(['answered', values]);
    expect(asked(screen)).to.deep.equal(['welcome', 'name', 'incomplete', 'details', 'details']);
    const faults = screen.events.flatMap((event) => (event.kind === 'asked' && event.faults ? [event.faults] : []));
    // No more than what is offered, and nothing left out.
    expect(Object.keys(faults[0] ?? {})).to.deep.equal(['build', 'site', 'department', 'building']);
    const empty = new ScriptedScreen({ name: {}, incomplete: {}, build: {} });
    await collect(parts(empty, { isWhole: () => true, choices: async ({ key }) => (key === 'site' ? [] : null) }));
    expect(asked(empty).slice(3)).to.deep.equal(['build', 'build']);
  });

  it('patchoo:DS-10 any selection of attributes is asked, and nothing at all where none is wanted', async () => {
    for (let bits = 0; bits < 16; bits += 1) {
      const keys = ['build', 'site', 'department', 'building'].filter((_, at) => (bits >> at) % 2 === 1);
      const some = readAttributes({ attributes: keys, optional: [], unasked: [], defaults: [] });
      const screen = new ScriptedScreen({
        incomplete: { button: 'configure' },
        ...Object.fromEntries(keys.map((key) => [key, { values: { value: CHOICES[key]?.[0] as string } }])),
      });
      const collected = await collect(parts(screen, { attributes: some, name: null }));
      expect(asked(screen), keys.join()).to.deep.equal([
        'welcome',
        ...(keys.length > 0 ? ['incomplete', ...keys] : []),
      ]);
      expect(collected.state).to.equal(keys.length > 0 ? 'answered' : 'confirmed');
      expect(Object.keys(collected.values)).to.deep.equal(keys);
    }
  });

  it('patchoo:DS-20 patchoo:D-12 what is chosen comes back as it is, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        async (all, at) => {
          const value = all[at % all.length] as string;
          fc.pre(value.trim() !== '');
          const screen = new ScriptedScreen({ incomplete: { button: 'configure' }, department: { values: { value } } });
          const some = readAttributes({ attributes: ['department'], optional: [], unasked: [], defaults: [] });
          const choices = async () => all.map((one) => ({ value: one, label: one }));
          const collected = await collect(parts(screen, { attributes: some, name: null, choices }));
          expect(collected.values).to.deep.equal({ department: value });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('patchoo:DS-14 an empty list is said, and choices that cannot be read are asked for again or left', async () => {
    const empty = new ScriptedScreen({ name: {}, incomplete: { button: 'configure' }, build: { button: 'skip' } });
    const texts: string[] = [];
    const ask = empty.ask.bind(empty);
    empty.ask = (form) => {
      texts.push(form.text);
      return ask(form);
    };
    expect(await collect(parts(empty, { choices: async () => [] }))).to.deep.include({ state: 'skipped' });
    expect(texts).to.include(TEXTS['choice.empty']);
    let tries = 0;
    const screen = new ScriptedScreen({
      incomplete: { button: 'configure' },
      'choices-unread': [{ button: 'again' }, { button: 'skip' }],
    });
    const choices = async () => {
      tries += 1;
      throw new Error('The server does not answer.');
    };
    expect(await collect(parts(screen, { name: null, choices }))).to.deep.include({ state: 'skipped' });
    expect(tries).to.equal(2);
  });

  it('patchoo:CN-03 patchoo:CN-04 patchoo:D-03 patchoo:G5 blank is refused, another’s name is said and asked again with what was proposed, one’s own is good', async () => {
    const screen = new ScriptedScreen({
      name: [{ values: { name: '  ' } }, { values: { name: 'taken' } }, { values: { name: 'host-1' } }],
      'name-exists': { button: 'ok' },
      summary: { button: 'continue' },
    });
    const owners: Readonly<Record<string, string[]>> = { taken: ['other'], 'host-1': ['own'] };
    const collected = await collect(
      parts(screen, {
        said: COMPLETE,
        judgeName: async (name) =>
          judgeName({ name, own: 'own', owners: owners[name] ?? [], pattern: null, taken: 'refuse', unchecked: 'ask' }),
      }),
    );
    expect(collected.name).to.equal('host-1');
    expect(asked(screen)).to.deep.equal(['welcome', 'name', 'name', 'name-exists', 'name', 'summary']);
    const faults = screen.events.flatMap((event) => (event.kind === 'asked' && event.faults ? [event.faults] : []));
    expect(faults).to.deep.equal([{ name: TEXTS['name.blank'] }]);
  });

  it('patchoo:CN-05 a name nobody can check is tried again or used unchecked; with nobody there nothing is', async () => {
    const judge = async () => ({ kind: 'unchecked', why: '' }) as const;
    const screen = new ScriptedScreen({
      name: {},
      'name-unchecked': [{ button: 'again' }, { button: 'accept' }],
      summary: {},
    });
    expect(await collect(parts(screen, { said: COMPLETE, judgeName: judge }))).to.deep.include({
      name: 'host-1',
      state: 'confirmed',
    });
    const alone = new ScriptedScreen({ name: {} });
    expect(await collect(parts(alone, { said: COMPLETE, judgeName: judge }))).to.deep.include({
      name: null,
      state: 'unanswered',
    });
  });

  it('patchoo:CN-06 a name with spaces is kept as it is', async () => {
    const screen = new ScriptedScreen({ name: { values: { name: 'Anna’s Mac 7' } }, summary: {} });
    expect((await collect(parts(screen, { said: COMPLETE }))).name).to.equal('Anna’s Mac 7');
  });

  it('patchoo:DS-22 nobody there leaves no dead question, and nobody to ask says why', async () => {
    expect(await collect(parts(new ScriptedScreen({})))).to.deep.include({
      state: 'unanswered',
      name: null,
      values: {},
    });
    const none = {
      ask: async () => ({ button: null, reasons: ['swiftDialog: swiftDialog is not installed'] }) as const,
    };
    expect(await collect({ ...parts(new ScriptedScreen({})), screen: none })).to.deep.equal({
      state: 'unasked',
      name: null,
      values: {},
      reasons: ['swiftDialog: swiftDialog is not installed'],
    });
  });

  it('patchoo:DS-24 the notice of a restart counts down to it, and does it whatever is done', () => {
    expect(restartNotice(look, 120)).to.deep.include({
      limit: { seconds: 120, button: 'restart', countdown: 'It restarts in %s.' },
      buttons: [{ id: 'restart', label: 'Restart', checks: false }],
    });
  });
});

describe('writing what was answered', () => {
  const refused = () => new D3Error('UNAUTHENTICATED', 'notAuthorised', 'That token is nobody’s.');

  function writing(
    screen: ScriptedScreen,
    outcomes: readonly (D3Error | undefined)[],
    asks: AccountKind | null = 'password',
  ): WriteParts & { tried: (ProvisioningLogin | null)[]; signIn: SignIn } {
    const tried: (ProvisioningLogin | null)[] = [];
    return {
      screen,
      look,
      signIn: new SignIn({ screen, look, asks }),
      tried,
      write: async (account) => {
        tried.push(account);
        const error = outcomes[tried.length - 1];
        if (error !== undefined) throw error;
      },
    };
  }

  it('patchoo:AP-09 patchoo:AP-10 patchoo:D-04 patchoo:G3 wrong credentials are asked for again, without anything being chosen again', async () => {
    const screen = new ScriptedScreen({
      credentials: [{ values: { user: 'alice b', password: 'wrong' } }, { values: { password: 'right one' } }],
      'credentials-refused': { button: 'again' },
    });
    const parts = writing(screen, [refused()]);
    expect(await writeAnswers(parts)).to.deep.equal({ state: 'written' });
    // The name that was typed stands there again; the password does not.
    expect(parts.tried).to.deep.equal([
      { user: 'alice b', password: 'wrong' },
      { user: 'alice b', password: 'right one' },
    ]);
    expect(JSON.stringify(screen.events)).to.not.match(/wrong"|right one/);
  });

  it('patchoo:AP-09 an account is asked for once, and again when it was let go', async () => {
    const screen = new ScriptedScreen({
      credentials: [{ values: { user: 'alice', password: 'one' } }, { values: { password: 'two' } }],
    });
    const parts = writing(screen, []);
    await writeAnswers(parts);
    await writeAnswers(parts);
    expect(parts.tried.map((account) => account?.password)).to.deep.equal(['one', 'one']);
    parts.signIn.forget();
    await writeAnswers(parts);
    expect(parts.tried.at(-1)?.password, 'patchoo:AP-13').to.equal('two');
  });

  it('patchoo:AP-10 Skip goes on unwritten, and after three refusals nobody is asked any more', async () => {
    const skip = new ScriptedScreen({ credentials: { button: 'skip' } });
    expect(await writeAnswers(writing(skip, []))).to.deep.equal({ state: 'skipped', why: 'it was skipped' });
    const screen = new ScriptedScreen({
      credentials: Array.from({ length: 9 }, () => ({ values: { user: 'alice', password: 'x' } })),
      'credentials-refused': Array.from({ length: 9 }, () => ({ button: 'again' })),
    });
    const parts = writing(screen, Array.from({ length: 9 }, refused));
    expect(await writeAnswers(parts)).to.deep.equal({ state: 'skipped', why: 'the credentials were refused' });
    expect(parts.tried).to.have.length(3);
  });

  it('patchoo:AP-10 with nobody there an account is not tried again by itself', async () => {
    const screen = new ScriptedScreen({ credentials: { values: { user: 'alice', password: 'x' } } });
    const parts = writing(screen, [refused(), refused()]);
    expect(await writeAnswers(parts)).to.deep.include({ state: 'skipped' });
    expect(parts.tried).to.have.length(1);
  });

  it('patchoo:AP-14 patchoo:D-11 what else stands against it is said, and is not taken for written', async () => {
    const screen = new ScriptedScreen({ unwritten: [{ button: 'again' }, { button: 'skip' }] });
    const failed = new D3Error('SITE', 'refused', 'the site is not enabled for this account (409)');
    const parts = writing(screen, [failed, failed], null);
    expect(await writeAnswers(parts)).to.deep.equal({ state: 'skipped', why: failed.message });
    expect(parts.tried).to.deep.equal([null, null]);
  });

  it('patchoo:AP-10 choices that need an account end the questions when none is given, with what was chosen so far', async () => {
    const screen = new ScriptedScreen({ name: {}, incomplete: {}, credentials: { button: 'skip' } });
    const signIn = new SignIn({ screen, look, asks: 'token' });
    const collected = await collect(parts(screen, { choices: () => signIn.using(async () => []) }));
    expect(collected).to.deep.equal({ state: 'skipped', name: 'host-1', values: {}, reasons: ['it was skipped'] });
  });
});

describe('the texts of a deployment', () => {
  it('patchoo:IN-13 are listed in the docs, all of them, as they are', () => {
    const docs = readFileSync(path.join(import.meta.dirname, '../../../docs/screens.md'), 'utf8');
    const listed = [...docs.matchAll(/^\| `([a-z.]+)` \| (.+?)\s*\|$/gm)].map(([, key, text]) => [key, text]);
    const all = Object.entries(TEXTS).map(([key, text]) => [key, text.replaceAll('\n', '\\n')]);
    expect(listed.filter(([key]) => Object.hasOwn(TEXTS, key as string))).to.deep.equal(all);
  });

  it('patchoo:IN-13 each is a setting; what is none is said with all there are', () => {
    const texts = readTexts([
      'lock.title=Ce Mac est en préparation',
      'hold.text=Un instant\\nMerci',
      'exists.text=%s existe=déjà',
    ]);
    expect(texts).to.include({
      'lock.title': 'Ce Mac est en préparation',
      'hold.text': 'Un instant\nMerci',
      'exists.text': '%s existe=déjà',
      'lock.text': TEXTS['lock.text'],
    });
    for (const [wrong, why] of [
      ['lock.titel=x', /no text lock\.titel/],
      ['no text', /not KEY=TEXT/],
      ['lock.title=', /is empty/],
      ['exists.text=taken', /%s/],
    ] as const)
      expect(() => readTexts([wrong]), wrong).to.throw(why);
  });
});

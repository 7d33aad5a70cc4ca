import { D3Error } from '@d3/sdk';
import { Args } from '@oclif/core';
import type { PreferenceRow } from '../../admin/preferences.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { walkthruFlags } from '../../cli/flags.ts';
import { fields } from '../../cli/table-text.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** What is set, by target, and where the secret is; never the secret itself. */
interface Configured {
  preferences: Record<string, string | null>;
  credentials: { account: string | null; kept: string };
  savedAt: string | null;
  changed: string[];
}

export default class AdminConfig extends AdminCommand<Configured, typeof AdminConfig> {
  static override summary = 'Say once what you usually want of d3admin.';
  static override description =
    'TARGET is depot, admin, workspace, pkg-id-prefix, editor, category, signing-identity, signing-options, credentials, all or display. ' +
    'Without a VALUE you are asked, return keeps what is set; none unsets it. Credentials go to the keychain of the system, else to a file nobody else may read; ' +
    'the secret is asked for, or read from the standard input where nobody can be asked. D3_CREDENTIALS=ACCOUNT:SECRET counts more, for CI.';
  static override examples = [
    '<%= config.bin %>admin config',
    '<%= config.bin %>admin config pkg-id-prefix org.example',
    '<%= config.bin %>admin config display',
    '<%= config.bin %>admin config -w',
  ];
  static override flags = { ...walkthruFlags };
  static override args = {
    target: Args.string({ name: 'target', description: 'What to set; all unless said.', default: 'all' }),
    value: Args.string({ name: 'value', description: 'What to set it to; for credentials, the account.' }),
  };

  async execute(context: ContextOf<typeof AdminConfig>): Promise<Outcome<Configured>> {
    const { PREFERENCE_TABLE, preferenceRow, preferenceValue } = await import('../../admin/preferences.ts');
    const here = await import('../../cli/preferences-here.ts');
    const { args, terminal, flags, env } = context;
    const { target, value } = args;
    if (flags.walkthru) return { result: await walked(terminal, env) };
    if (target === 'display') return { result: await here.shown([], context.env) };
    if (target === 'credentials') return { result: await here.setCredentials(value, terminal, context.env) };
    const row = preferenceRow(target);
    if (row === undefined && target !== 'all') throw unknownTarget(target, PREFERENCE_TABLE);
    if (row === undefined && value !== undefined) {
      throw new D3Error('CONFIG_TARGET', 'usage', 'A value needs the name of what it is for.', { target: value });
    }
    const rows = row === undefined ? PREFERENCE_TABLE : [row];
    const prohibited = await here.prohibitedNames();
    const changes: Record<string, string | null> = {};
    const before = await here.current();
    for (const each of rows) {
      const typed = value ?? (await asked(each, before[each.key], terminal));
      if (typed !== null) changes[each.key] = preferenceValue(each, typed, prohibited);
    }
    await here.save(changes);
    return {
      result: await here.shown(
        rows.filter(({ key }) => key in changes).map((each) => each.target),
        context.env,
      ),
    };
  }

  render({ preferences, credentials, savedAt }: Configured, terminal: Terminal): void {
    terminal.result(
      fields([
        ...Object.entries(preferences).map(([name, set]): [string, string] => [name, set ?? 'unset']),
        [
          'credentials',
          credentials.account === null ? credentials.kept : `${credentials.account}, ${credentials.kept}`,
        ],
        ['saved', savedAt ?? 'never'],
      ]),
    );
  }
}

/** Set in a menu, and saved all together. */
async function walked(terminal: Terminal, env: Readonly<Record<string, string | undefined>>): Promise<Configured> {
  const here = await import('../../cli/preferences-here.ts');
  const { walkConfig } = await import('../../cli/walkthru/config.ts');
  const said = await walkConfig(terminal, await here.current(), await here.prohibitedNames());
  if (said === null) return here.shown([], env);
  // What is asked for last is saved first: nothing is, where that is left.
  if (said.credentials) await here.setCredentials(undefined, terminal, env);
  await here.save(said.changes);
  const { PREFERENCE_TABLE } = await import('../../admin/preferences.ts');
  return here.shown(
    PREFERENCE_TABLE.filter(({ key }) => key in said.changes).map(({ target }) => target),
    env,
  );
}

/** @returns null when return was pressed: it stays */
async function asked(row: PreferenceRow, set: string | null, terminal: Terminal): Promise<string | null> {
  const question = `${row.label}:`;
  const typed = await terminal.text({
    question,
    flag: `d3admin config ${row.target} VALUE`,
    preset: set ?? 'none',
    details: [row.explanation],
  });
  return typed === (set ?? 'none') ? null : typed;
}

function unknownTarget(target: string, table: readonly PreferenceRow[]): D3Error {
  const names = [...table.map((row) => row.target), 'credentials', 'all', 'display'];
  return new D3Error('CONFIG_TARGET', 'usage', `${target} is nothing that can be set.`, {
    target,
    actions: [`there are ${names.join(', ')}`],
  });
}

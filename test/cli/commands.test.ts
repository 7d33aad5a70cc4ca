import { readFileSync } from 'node:fs';
import { Config, type Interfaces, settings } from '@oclif/core';
import { expect } from 'chai';
import * as tables from '../../src/cli/flags.ts';
import { repository } from './spawn.ts';

/** The ancestor's short names; scripts and fingers know them. */
const ALIASES: Record<string, string> = {
  install: 'i',
  uninstall: 'u',
  dequeue: 'dq',
  sync: 's',
  freeze: 'f',
  thaw: 't',
  forget: 'fg',
  'list-available': 'la',
  'list-installed': 'li',
  'list-manual': 'lm',
  'list-pilots': 'lp',
  'list-frozen': 'lf',
  'list-queue': 'lq',
  'list-details': 'ld',
  'list-files': 'ls',
  'query-file': 'qf',
  help: 'h',
  version: 'v',
};

type Flag = Interfaces.FlagInput[string];

describe('every command', () => {
  let commands: Config['commands'];
  before(async () => {
    settings.enableAutoTranspile = false;
    const pjson = JSON.parse(readFileSync(`${repository}package.json`, 'utf8').replaceAll('./dist/', './src/'));
    const config = await Config.load({
      root: repository,
      pjson,
      ignoreManifest: true,
      userPlugins: false,
      devPlugins: false,
    });
    commands = config.commands.filter(
      (command) => command.pluginName === pjson.name && !command.aliases.includes(command.id),
    );
  });

  it('says what it does, in one line, with an example', () => {
    for (const { id, summary, examples } of commands) {
      expect(summary, id).to.match(/^[^\n]+\.$/);
      expect(examples?.length, id).to.be.greaterThan(0);
    }
  });

  it('has the flags of its kind', () => {
    for (const { id, flags } of commands) {
      expect(flags, id).to.include.keys('json', 'no-input', 'debug');
      if ('root' in flags) expect(flags, id).to.include.keys('depot', 'quiet', 'verbose');
      if (id.startsWith('admin:')) {
        for (const name of Object.keys(tables.adminFlags))
          expect(flags[name]?.char, `${id} --${name}`).to.equal(undefined);
      }
    }
  });

  it('means the same by a flag as every other', () => {
    const { client, admin } = {
      client: [tables.clientFlags, tables.installingFlags, tables.deferralFlags, tables.receiptFlags],
      admin: [
        tables.adminFlags,
        tables.confirmingFlags,
        tables.walkthruFlags,
        tables.attributeFlags,
        tables.buildFlags,
      ],
    };
    for (const { id, flags } of commands) {
      const common = Object.assign({}, ...(id.startsWith('admin:') ? admin : client)) as Record<string, Flag>;
      const letters = new Map(Object.entries(common).flatMap(([name, flag]) => (flag.char ? [[flag.char, name]] : [])));
      for (const [name, flag] of Object.entries(flags)) {
        expect(flag.type, `${id} --${name}`).to.equal(common[name]?.type ?? flag.type);
        if (flag.char !== undefined && !id.startsWith('admin:report')) {
          expect(letters.get(flag.char) ?? name, `${id} -${flag.char}`).to.equal(name);
        }
      }
    }
  });

  it('keeps the ancestor’s short name', () => {
    for (const { id, aliases } of commands) if (id in ALIASES) expect(aliases, id).to.include(ALIASES[id]);
    expect(commands.find((command) => command.id === 'pilot')?.aliases ?? []).to.deep.equal([]);
    expect(commands.find((command) => command.id === 'depilot')?.aliases ?? []).to.deep.equal([]);
  });
});

import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { Sandbox } from '../support/sandbox.ts';
import { scriptsPlugin } from '../support/scripts-plugin.ts';

describe('a zsh script run as root', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await Sandbox.make();
  });
  after(() => sandbox.remove());

  it('reads no dotfiles of whoever started d3', async () => {
    const owned = path.join(sandbox.dir, 'owned');
    const evil = sandbox.folder('evil', { '.zshenv': `touch ${owned}\n`, '.zshrc': `touch ${owned}\n` });
    const script = path.join(sandbox.dir, 'script');
    writeFileSync(script, '#!/bin/zsh\ntouch "$1/ran"\n');
    await sandbox.add('tool', '1', { preInstall: script, live: true });
    const machine = sandbox.machine('mac-a');
    const saved = { HOME: process.env['HOME'], ZDOTDIR: process.env['ZDOTDIR'] };
    Object.assign(process.env, { HOME: evil, ZDOTDIR: evil });
    try {
      const plugins = scriptsPlugin(machine.machine.paths.work);
      expect((await machine.with({ plugins }).install(['tool'])).exit).to.equal(0);
    } finally {
      for (const [name, value] of Object.entries(saved)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
    expect(existsSync(path.join(machine.root, 'ran'))).to.equal(true);
    expect(existsSync(owned)).to.equal(false);
  });
});

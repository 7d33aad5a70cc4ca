import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../../../test/cli/spawn.ts';
import { linesOf } from '../../../test/commands/lines.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';

/** What the doctor says has to be made is made, as it says; then it has nothing to say. */
describe('d3 provision doctor --explain', function () {
  this.timeout(600_000);
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  it('patchoo:SO-01 patchoo:SO-02 patchoo:SO-03 patchoo:HP-04 its commands make a depot that machines can be deployed from; its groups have them', async () => {
    const { root } = sandbox.machine('mac-a', { serial: 'C02A', boot: 'one' });
    const env = { D3_ROOT: root, D3_DEPOT: sandbox.depot, D3_FLAG_ADMIN: 'sally' };
    const run = async (...line: string[]) => {
      const ended = await d3([...line, '--json'], { cwd: sandbox.dir, env });
      return JSON.parse(ended.stdout);
    };
    mkdirSync(path.join(root, 'etc'), { recursive: true });
    const provision = { update: 'no', checkIn: 'no', lock: 'no' };
    writeFileSync(path.join(root, 'etc/d3.json'), JSON.stringify({ provision }));
    writeFileSync(path.join(sandbox.dir, 'script'), '#!/bin/sh\nexit 0\n');

    expect((await run('provision', 'doctor')).exit, 'nothing is there').to.equal(1);
    const { needed } = (await run('provision', 'doctor', '--explain')).result as {
      needed: { what: string; make: string; why: string }[];
    };
    const commands = needed
      .map(({ make }) => make)
      .filter((make) => /^d3admin (?:ea|department|policy|group) /.test(make));
    expect(commands, commands.join('\n')).to.have.length(8);
    let policies = 0;
    const lines = commands.map((command) => {
      const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
      const named = words.map((word) => {
        if (word === 'NAME') return words.includes('policy') ? `policy ${(policies += 1)}` : 'Fine Art';
        return word === 'FILE' ? path.join(sandbox.dir, 'script') : word;
      });
      return { argv: ['admin', ...named.slice(1), '--json'], env };
    });
    for (const [at, { code, stderr, stdout }] of (await linesOf(lines, sandbox.dir)).entries())
      expect(code, `${commands[at]}: ${stderr}${stdout}`).to.equal(0);
    const after = await run('provision', 'doctor');
    expect(after.exit, JSON.stringify(after.errors)).to.equal(0);
    await run('provision', 'setup');
    expect((await run('provision', 'run', '--no-wait')).result.state).to.equal('holding');
    const members = async (name: string) => JSON.stringify((await run('admin', 'group', 'show', name)).result);
    expect(await members('machines-holding')).to.include('mac-a');
    expect(await members('machines-deployed')).not.to.include('mac-a');
  });
});

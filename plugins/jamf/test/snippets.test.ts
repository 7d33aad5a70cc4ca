import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readXml, type XmlElement } from '@d3/flatpkg';
import { Config, Parser, settings } from '@oclif/core';
import { expect } from 'chai';
import { readCommandLine } from '../../../src/argv.ts';
import { argvTable } from '../../../src/cli/command-table.ts';
import { d3, d3Program, repository, run } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { SNIPPETS, snippets } from '../src/snippets.ts';

const NONE = { depot: null, server: null };

describe('snippets for Jamf Pro', function () {
  this.timeout(120_000);

  it('policies: every line is one that d3 reads', async () => {
    settings.enableAutoTranspile = false;
    const pjson = JSON.parse(readFileSync(`${repository}package.json`, 'utf8').replaceAll('./dist/', './src/'));
    const config = await Config.load({
      root: repository,
      pjson,
      ignoreManifest: true,
      userPlugins: false,
      devPlugins: false,
    });
    const lines = snippets(['policy'], NONE).map(({ text }) => text);
    expect(lines).to.include('d3 sync -a jamf --wait 15m');
    for (const line of lines) {
      const { path: words, rest } = readCommandLine(line.split(' ').slice(1), 'd3', argvTable(config.commands));
      const command = config.findCommand(words.join(':'));
      expect(command, line).not.to.equal(undefined);
      const { flags, baseFlags, args, strict } = await (command as NonNullable<typeof command>).load();
      await Parser.parse(rest, { flags: { ...baseFlags, ...flags }, args, strict, '--': true });
    }
  });

  it('profile: what it manages is what d3 is configured by', async () => {
    const sandbox = await Sandbox.make();
    try {
      const line = ['jamf', 'snippets', 'profile', '--address', 'https://d.example.org/a&b', '--server', 'https://j'];
      const { code, stdout } = await d3(line, { cwd: sandbox.dir });
      expect(code).to.equal(0);
      const outer = valueOf(readXml(Buffer.from(stdout), 'profile').children[0] as XmlElement) as Outer;
      expect(outer.PayloadType).to.equal('Configuration');
      const managed = outer.PayloadContent[0]?.PayloadContent['org.d3'].Forced[0]?.mcx_preference_settings;
      const root = path.join(sandbox.dir, 'mac');
      mkdirSync(path.join(root, 'etc'), { recursive: true });
      writeFileSync(path.join(root, 'etc/d3.managed.json'), JSON.stringify(managed));
      const shown = await d3(['config', 'list', '--json'], { cwd: sandbox.dir, env: { D3_ROOT: root } });
      expect(shown.code, shown.stdout).to.equal(0);
      for (const value of ['https://d.example.org/a&b', 'https://j', 'after-change'])
        expect(shown.stdout).to.contain(value);
    } finally {
      sandbox.remove();
    }
  });

  it('depot3:J31 attributes: each script prints one result, also where d3 is not installed or fails', async () => {
    const sandbox = await Sandbox.make();
    try {
      const machine = sandbox.machine('mac-a');
      await sandbox.add('tool', '1', { live: true });
      await machine.install(['tool']);
      const bin = path.join(sandbox.dir, 'bin');
      mkdirSync(bin);
      const program = path.join(bin, 'd3');
      writeFileSync(program, `#!/bin/sh\nexec ${d3Program.map((word) => `'${word}'`).join(' ')} "$@"\n`);
      chmodSync(program, 0o755);
      for (const { name, text } of snippets(['attributes'], NONE)) {
        const env = { D3_ROOT: machine.root, D3_DEPOT: sandbox.depot, PATH: `${bin}:/usr/bin:/bin` };
        const { code, stdout } = await run('/bin/sh', ['-c', text], { cwd: sandbox.dir, env });
        expect(code, name).to.equal(0);
        if (name === 'd3 provisioning') expect(stdout.trim(), 'patchoo:HP-04').to.equal('<result>idle</result>');
        else expect(stdout.trim(), name).to.match(/^<result>\{[\s\S]*\}<\/result>$/);
        if (name === 'd3 receipts') expect(stdout).to.contain('tool').and.to.contain('_computer');
        const without = await run('/bin/sh', ['-c', text.replace(':/usr/local/bin', '')], {
          cwd: sandbox.dir,
          env: { PATH: '/usr/bin:/bin' },
        });
        expect([without.code, without.stdout.trim()]).to.deep.equal([0, '<result>ERROR: d3 is not installed</result>']);
      }
    } finally {
      sandbox.remove();
    }
  });

  it('of every kind are printed with where they go', async () => {
    const { code, stdout } = await d3(['jamf', 'snippets', '--json'], { cwd: repository });
    expect(code).to.equal(0);
    const result = JSON.parse(stdout).result as { kind: string; where: string }[];
    expect(new Set(result.map(({ kind }) => kind))).to.deep.equal(new Set(SNIPPETS));
    expect(result.every(({ where }) => where !== '')).to.equal(true);
  });
});

interface Outer {
  PayloadType: string;
  PayloadContent: { PayloadContent: { 'org.d3': { Forced: { mcx_preference_settings: object }[] } } }[];
}

/** A property list of texts, numbers, lists and dictionaries. */
function valueOf({ name, text, children }: XmlElement): unknown {
  if (name === 'array') return children.map(valueOf);
  if (name !== 'dict') return text;
  return Object.fromEntries(
    children.flatMap((one, at) => (one.name === 'key' ? [[one.text, valueOf(children[at + 1] as XmlElement)]] : [])),
  );
}

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3, d3Program } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { Screen } from '../../../test/support/screen.ts';

/** The questions through the real command line, in a pseudo-terminal, against a real depot. */
describe('d3 provision prompt', function () {
  this.timeout(280_000);
  let sandbox: Sandbox;
  let root: string;
  let screen: Screen | undefined;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    root = sandbox.machine('mac-a', { serial: 'C02A', boot: 'one' }).root;
    await ok('admin', 'department', 'add', 'R&D Perth');
    await ok('admin', 'department', 'add', 'Fine Art');
    await ok('admin', 'ea', 'add', 'Build', '--type', 'choice', '--choices', 'studio,office');
    await ok('provision', 'setup');
    // It reports, and so has a record.
    await d3(['provision', 'run', '--no-wait'], { cwd: sandbox.dir, env: env() });
  });
  afterEach(() => {
    screen?.close();
    return sandbox.remove();
  });

  const env = () => ({ D3_ROOT: root, D3_DEPOT: sandbox.depot, D3_FLAG_ADMIN: 'sally' });
  async function ok(...line: string[]): Promise<string> {
    const ended = await d3(line, { cwd: sandbox.dir, env: env() });
    expect(ended.code, `${line.join(' ')}: ${ended.stderr}${ended.stdout}`).to.equal(0);
    return ended.stdout;
  }
  async function json(...line: string[]) {
    const { stdout, stderr } = await d3([...line, '--json'], { cwd: sandbox.dir, env: env() });
    expect(stdout, stderr).not.to.equal('');
    const said = JSON.parse(stdout);
    if (said.result === null && said.exit !== 2 && said.exit !== 30) throw new Error(JSON.stringify(said.errors));
    return said;
  }
  function answers(given: unknown): string {
    const file = path.join(sandbox.dir, 'answers.json');
    writeFileSync(file, typeof given === 'string' ? given : JSON.stringify(given));
    return file;
  }

  it('patchoo:CN-01 patchoo:DS-13 patchoo:DS-14 patchoo:DS-15 patchoo:DS-21 asks for name, build and department in a terminal, with a way back, and writes them', async () => {
    const { CI: _, ...inherited } = process.env as Record<string, string>;
    screen = new Screen([...d3Program, 'provision', 'prompt', 'C02A'], {
      cwd: sandbox.dir,
      env: { ...inherited, ...env(), TERM: 'xterm-256color' },
    });
    await screen.sees('1. OK', 60_000);
    await screen.press('return');
    await screen.sees('? Computer name');
    await screen.type('Studio 7\r');
    await screen.sees('Missing: Build, Department');
    await screen.choose('Configure');
    await screen.sees('? Build');
    await screen.sees('(Skip)');
    await screen.press('down', 'return');
    await screen.sees('? Department');
    await screen.choose('(Back)');
    // What was chosen is under the cursor.
    await screen.sees(/✔ Department \(Back\)[\s\S]*❯ 2\. office/);
    await screen.press('return');
    await screen.sees(/✔ Department \(Back\)[\s\S]*\? Department/);
    await screen.choose('R&D Perth');
    await screen.sees('C02A: written');
    expect(await screen.ended()).to.equal(0);
    const { record } = (await json('provision', 'assign', 'C02A')).result;
    expect(record).to.deep.equal({ name: 'Studio 7', department: 'R&D Perth', Build: 'office' });
  });

  it('patchoo:DS-23 patchoo:DS-12 patchoo:CN-04 takes answers that were written down: taken names, Continue, Skip, and what is no answer', async () => {
    sandbox.machine('mac-b', { serial: 'C02B', boot: 'one' });
    await ok('provision', 'assign', 'C02A', '--name', 'lab-1', '--build', 'studio', '--department', 'Fine Art');
    const kept = await json('provision', 'prompt', '--answers', answers({ name: {}, summary: { button: 'continue' } }));
    expect([kept.exit, kept.result.state, kept.result.written], JSON.stringify(kept.errors)).to.deep.equal([
      0,
      'confirmed',
      'nothing',
    ]);
    const changed = await json(
      'provision',
      'prompt',
      'c02a',
      '--answers',
      answers({ name: {}, summary: { button: 'change' }, build: { values: { value: 'office' } }, department: {} }),
    );
    expect([changed.exit, changed.result.written, changed.result.record]).to.deep.equal([
      0,
      'yes',
      { name: 'lab-1', department: 'Fine Art', Build: 'office' },
    ]);
    const nobody = await json('provision', 'prompt', '--answers', answers({}));
    expect([nobody.exit, nobody.result.state, nobody.errors[0].code]).to.deep.equal([43, 'unanswered', 'NOT_ANSWERED']);
    for (const [given, why] of [
      ['{', /JSON/],
      ['[]', /no JSON object/],
      [{ name: { value: 'x' } }, /name is no answer/],
    ] as const) {
      const wrong = await json('provision', 'prompt', '--answers', answers(given));
      expect(wrong.exit).to.equal(2);
      expect(wrong.errors[0].message).to.match(why);
    }
  });

  it('patchoo:DS-09 patchoo:DS-07 asks nobody where that is switched off, and says why where nobody can be asked', async () => {
    const alone = await json('provision', 'prompt');
    expect([alone.exit, alone.result.state, alone.result.reasons]).to.deep.equal([
      43,
      'unasked',
      ['terminal: nobody watches a terminal'],
    ]);
    await ok('config', 'set', 'provision.prompt', 'never');
    const off = await json('provision', 'prompt');
    expect([off.exit, off.errors[0].code]).to.deep.equal([30, 'PROMPT_OFF']);
  });
});

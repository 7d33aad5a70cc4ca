import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { installedPrograms } from '../../src/platform/installed-program.ts';
import { runProgram } from '../../src/platform/program.ts';
import { expectFailure } from '../depot/helpers.ts';

describe('programs that are installed on a machine', () => {
  let dir: string;
  let root: string;
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-installed-')));
    root = path.join(dir, 'root');
    mkdirSync(path.join(root, 'opt'), { recursive: true });
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const programs = () => installedPrograms(root, async () => runProgram);
  const run = (program: string) => programs().run({ program, args: ['a b', '$HOME'], timeout: 10_000 });
  function script(at: string, mode = 0o755): void {
    writeFileSync(path.join(root, at), '#!/bin/sh\nprintf "%s|" "$0" "$@"\n');
    chmodSync(path.join(root, at), mode);
  }

  it('run from the root they are in, with their words as they are', async () => {
    script('opt/tool');
    const { code, stdout } = await run('/opt/tool');
    expect(code).to.equal(0);
    expect(stdout).to.equal(`${root}/opt/tool|a b|$HOME|`);
    symlinkSync('tool', path.join(root, 'opt/other'));
    expect((await run('/opt/other')).stdout).to.contain('/opt/tool|');
  });

  it('are told apart when their file is another, and are not there when nothing can be run', () => {
    script('opt/tool');
    const mark = programs().find('/opt/tool')?.mark;
    writeFileSync(path.join(root, 'opt/tool'), '#!/bin/sh\n');
    expect(programs().find('/opt/tool')?.mark).to.be.a('string').and.not.to.equal(mark);
    chmodSync(path.join(root, 'opt/tool'), 0o644);
    expect([programs().find('/opt/tool'), programs().find('/opt'), programs().find('/opt/none')]).to.deep.equal([
      null,
      null,
      null,
    ]);
  });

  it('are never those of another root, and none that others could change or swap', async () => {
    symlinkSync('/bin/sh', path.join(root, 'opt/sh'));
    expect(programs().find('/opt/sh')).to.equal(null);
    await expectFailure(run('/opt/sh'), 'PROGRAM_ABSENT', 'notFound');
    await expectFailure(run('opt/tool'), 'PROGRAM_ABSENT', 'notFound');
    await expectFailure(run('/../../bin/sh'), 'PROGRAM_ABSENT', 'notFound');
    script('opt/tool', 0o777);
    await expectFailure(run('/opt/tool'), 'PROGRAM_UNTRUSTED', 'refused');
    script('opt/tool');
    chmodSync(path.join(root, 'opt'), 0o777);
    await expectFailure(run('/opt/tool'), 'PROGRAM_UNTRUSTED', 'refused');
  });
});

import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { file, pkg } from '../../packages/flatpkg/test/helpers/craft.ts';
import { buildPackage, verifyPackage } from '../../src/installers/tools.ts';
import { appleSignatureCheck } from '../../src/platform/apple-signature.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox } from '../support/sandbox.ts';

/** Programs that stand in for Apple's: they cannot exist here. They keep what they were called with. */
describe("a package's signature on a Mac", () => {
  let sandbox: Sandbox;
  let signed: string;
  let unsigned: string;
  const { signal } = new AbortController();
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    const root = sandbox.folder('source', { 'opt/run': 'x' });
    unsigned = path.join(sandbox.dir, 'unsigned.pkg');
    await buildPackage({ root, output: unsigned, identifier: 'org.example.tool', version: '1' });
    signed = path.join(sandbox.dir, 'signed.pkg');
    const toc = (xml: string) => xml.replace('<file ', '<signature style="RSA"/><file ');
    writeFileSync(signed, pkg([file('./run')], { lies: { toc } }));
  });
  afterEach(() => sandbox.remove());

  function check(pkgutil: string, spctl: string) {
    const programs = Object.entries({ pkgutil, spctl }).map(([name, script]) => {
      const program = path.join(sandbox.dir, name);
      writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> ${sandbox.dir}/calls\n${script}\n`);
      chmodSync(program, 0o755);
      return [name, program];
    });
    return appleSignatureCheck(Object.fromEntries(programs) as { pkgutil: string; spctl: string });
  }

  it('is decided by pkgutil and spctl', async () => {
    const result = await verifyPackage(signed, signal, check('echo "Status: signed"', 'echo accepted >&2'));
    expect(result.signature?.verified).to.equal('verified by pkgutil');
    expect(result.apple).to.deep.equal([
      { tool: 'pkgutil', accepted: true, lines: ['Status: signed'] },
      { tool: 'spctl', accepted: true, lines: ['accepted'] },
    ]);
    expect(readFileSync(path.join(sandbox.dir, 'calls'), 'utf8').split('\n')).to.deep.equal([
      `${sandbox.dir}/pkgutil --check-signature ${signed}`,
      `${sandbox.dir}/spctl --assess -vv --type install ${signed}`,
      '',
    ]);
  });

  it('pkgutil refuses is refused (33), with its words', async () => {
    const failed = await problemsOf(verifyPackage(signed, signal, check('echo "Status: invalid"; exit 1', '')));
    expect(failed.exitCode).to.equal(33);
    expect(failed.problems[0]?.message).to.include('Status: invalid');
  });

  it('spctl alone refuses is a warning', async () => {
    const result = await verifyPackage(signed, signal, check('echo good', 'echo rejected; exit 3'));
    expect(result.warnings).to.include('spctl does not accept its signature (rejected)');
  });

  it('is asked about nobody where nothing is signed, and cannot be decided elsewhere', async () => {
    expect((await verifyPackage(unsigned, signal, check('exit 1', 'exit 1'))).apple).to.equal(null);
    const elsewhere = await verifyPackage(signed, signal, null);
    expect([elsewhere.apple, elsewhere.signature?.verified]).to.deep.equal([null, 'not verified here']);
    const ticket = Buffer.from('73386368000000000000000074386c72010002000c00000000000000', 'hex');
    writeFileSync(unsigned, Buffer.concat([readFileSync(unsigned), ticket]));
    const stapled = await verifyPackage(unsigned, signal, check('exit 1', 'exit 1'));
    expect([stapled.apple, stapled.signature?.notarizationTicket]).to.deep.equal([null, true]);
  });

  it('a program that cannot be started accepts nothing', async () => {
    const absent = path.join(sandbox.dir, 'absent');
    const failed = await problemsOf(
      verifyPackage(signed, signal, appleSignatureCheck({ pkgutil: absent, spctl: absent })),
    );
    expect(failed.exitCode).to.equal(33);
  });
});

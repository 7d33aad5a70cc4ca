import { expect } from 'chai';
import { adminName } from '../../src/config/admin-name.ts';
import { problemsOf } from '../support/errors.ts';

const NOBODY = ['', 'root', 'unknown', 'auto-installed', 'unknown-puppyq', 'puppy-install', 'imported-from-jamf'];
const MALFORMED = [' sally', 'sally ', '\t', 'sal\nly', 'sal\u0007ly', 'sally\n', 'x'.repeat(65)];

describe('who does admin work', () => {
  const named = (given: string | undefined, configured: string | null = null, prohibited: string[] = [], env = {}) =>
    adminName(given, configured, prohibited, env);

  it('is the one given, else the first of $USER, $SUDO_USER, $SSH_CLIENT_USER that names a person, else the configured one', () => {
    const env = { USER: 'u', SUDO_USER: 's', SSH_CLIENT_USER: 'c' };
    expect(named('given', 'configured', [], env)).to.equal('given');
    expect(named(undefined, 'configured', [], env)).to.equal('u');
    expect(named(undefined, 'configured', [], { ...env, USER: 'root' })).to.equal('s');
    expect(named(undefined, 'configured', [], { USER: 'root', SUDO_USER: '', SSH_CLIENT_USER: 'c' })).to.equal('c');
    expect(named(undefined, 'configured', [], { USER: 'root' })).to.equal('configured');
    expect(named(undefined, 'configured', [], {})).to.equal('configured');
    expect(named(undefined, 'configured', ['u', 's'], env)).to.equal('c');
  });

  for (const name of ['sally', 'Sally O. Brien', 'sally@example.org', 'žofie', 'x'.repeat(64)]) {
    it(`may be called ${JSON.stringify(name.slice(0, 20))}`, () => expect(named(name)).to.equal(name));
  }

  for (const name of [...NOBODY, ...MALFORMED]) {
    it(`is not ${JSON.stringify(name.slice(0, 20))}, given (2) or found`, async () => {
      const { problems, exitCode } = await problemsOf(async () => named(name, 'sally'));
      expect(exitCode).to.equal(2);
      expect(problems[0]).to.deep.include({ code: 'ADMIN_NAME', target: '--admin' });
      expect(named(undefined, 'sally', [], { USER: name })).to.equal('sally');
      expect((await problemsOf(async () => named(undefined, name))).exitCode).to.equal(2);
    });
  }

  it('depot3:BUG-12 is nobody on the prohibited list, given or found', async () => {
    expect((await problemsOf(async () => named('kiosk', null, ['kiosk']))).exitCode).to.equal(2);
    expect((await problemsOf(async () => named('kiosk', null, ['Kiosk']))).exitCode).to.equal(2);
    expect((await problemsOf(async () => named('KIOSK', null, ['kiosk']))).exitCode).to.equal(2);
    expect((await problemsOf(async () => named(undefined, 'kiosk', ['kiosk'], { USER: 'kiosk' }))).exitCode).to.equal(
      2,
    );
  });

  it('must be somebody', async () => {
    const { problems } = await problemsOf(async () => named(undefined));
    expect(problems[0]?.actions.join()).to.include('-a NAME');
  });
});

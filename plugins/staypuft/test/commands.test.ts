import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { repository } from '../../../test/cli/spawn.ts';
import { DeploymentSite } from './support/site.ts';

/** Deployments through the real command line, each command a process of its own. */
describe('d3 blueprint, d3 deployment', function () {
  this.timeout(300_000);
  let site: DeploymentSite;
  beforeEach(async () => {
    site = await DeploymentSite.open();
  });
  afterEach(() => site.close());

  async function ok(...line: string[]): Promise<string> {
    const { code, stdout, stderr } = await site.run(...line);
    expect(code, `${line.join(' ')}: ${stderr}${stdout}`).to.equal(0);
    return stdout;
  }

  function file(name: string, text: string): string {
    const at = path.join(site.sandbox.dir, name);
    writeFileSync(at, text);
    return at;
  }

  it('staypuft:M-01 staypuft:M-12 staypuft:U-02 from a file to hosts in roles, a plan and a report', async () => {
    const example = path.join(repository, 'examples/blueprints/web-and-db.yaml');
    expect(await ok('blueprint', 'import', example)).to.contain('web-and-db is there now');
    // What is exported is the same again.
    const exported = file('again.yaml', await ok('blueprint', 'export', 'web-and-db'));
    expect((await site.json('blueprint', 'import', exported)).result.fate).to.equal('same');
    expect(await ok('blueprint', 'list')).to.contain('db → web');
    await ok(
      'deployment',
      'create',
      'shop',
      '--blueprint',
      'web-and-db',
      '--set',
      'database_password=file:/etc/secret',
    );
    await site.hosts(['db1', 'web1', 'web2']);
    await ok('deployment', 'assign', 'shop', '--role', 'db', 'db1');
    const mixed = await site.json('deployment', 'assign', 'shop', '--role', 'web', 'web1', 'web2', 'web9');
    expect([mixed.exit, mixed.errors.map(({ target }) => target)]).to.deep.equal([40, ['web9']]);
    expect(mixed.errors[0]?.actions).to.not.deep.equal([]);
    const plan = await ok('deployment', 'plan', 'shop');
    expect(plan).to.contain('shop (web-and-db): 3 hosts to deploy').and.to.contain('wave 1: web1');
    expect(await ok('deployment', 'show', 'shop'))
      .to.contain('shop/web')
      .and.not.to.contain('/etc/secret');
    expect(await ok('deployment', 'list')).to.contain('shop  web-and-db  3 assigned');
    expect(await ok('deployment', 'report', 'shop')).to.contain('# Deployment shop');
    const values = file('values.yaml', await ok('deployment', 'show', 'shop', '--values', '--secrets'));
    await ok('deployment', 'create', 'shop-2', '--blueprint', 'web-and-db', '--values', values);
    expect((await site.json('deployment', 'show', 'shop-2')).result.values.database_password.value).to.equal(
      '(secret)',
    );
    await ok('deployment', 'unassign', 'shop', 'web2');
    expect(await ok('deployment', 'delete', 'shop')).to.contain('Deployment shop is deleted.');
  });

  it('staypuft:D-20 names that could become something else are refused, and every problem of a file is told', async () => {
    await site.blueprint();
    for (const name of ['a,b', "o'neil", 'a/b', 'two words', '7']) {
      const { exit, errors } = await site.json('deployment', 'create', name, '--blueprint', 'web-and-db');
      expect([exit, errors[0]?.code], name).to.deep.equal([2, 'DEPLOYMENT_NAME']);
    }
    const bad = file('bad.yaml', 'roles: [{name: a, after: [b]}, {name: b, after: [a]}, {name: c, mode: x}]');
    const { exit, errors } = await site.json('blueprint', 'validate', bad);
    expect(exit).to.equal(30);
    expect(errors.map(({ message }) => message)).to.have.length(2);
    expect(errors.map(({ message }) => message).join('\n')).to.contain('a → b → a');
  });
});

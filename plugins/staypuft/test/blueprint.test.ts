import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { repository } from '../../../test/cli/spawn.ts';
import { blueprintOf, readBlueprint, writeBlueprint } from '../src/rules/blueprint.ts';
import type { Parameter, Role } from '../src/types.ts';
import { anyBlueprint } from './support/blueprints.ts';

const rolesOf = (text: string): Role[] => {
  const { blueprint, problems } = readBlueprint(text);
  expect(problems).to.deep.equal([]);
  return blueprint?.roles as Role[];
};
const wrong = (text: string) => readBlueprint(text).problems.map(({ path: at, what }) => `${at}: ${what}`);

describe('Blueprints', () => {
  it('staypuft:M-03 a role needs no more than a name: it syncs all its hosts', () => {
    expect(rolesOf('roles: [{name: mac}]')).to.deep.equal([
      {
        name: 'mac',
        after: [],
        mode: 'concurrent',
        leader: null,
        batches: [],
        abreast: 20,
        maxFailures: 0,
        min: 0,
        max: null,
        steps: [{ sync: true }],
      },
    ]);
  });

  it('staypuft:M-03 staypuft:M-12 every blueprint is the same after it was written and read again', () => {
    fc.assert(
      fc.property(anyBlueprint, fc.option(fc.constantFrom('shop', 'web-and-db')), (blueprint, name) => {
        const text = writeBlueprint(blueprint, { name, secrets: true });
        const read = readBlueprint(text);
        expect(read.problems, text).to.deep.equal([]);
        expect(read.blueprint).to.deep.equal(blueprint);
        expect(read.name).to.equal(name);
        // As the depot keeps it, and as JSON.
        expect(blueprintOf(blueprint).blueprint).to.deep.equal(blueprint);
        expect(readBlueprint(JSON.stringify(blueprint)).blueprint).to.deep.equal(blueprint);
      }),
      { numRuns: 60 },
    );
  });

  it('staypuft:M-04 staypuft:M-05 numbers become what comes after what, those of the same number run together', () => {
    const roles = rolesOf(`
roles:
  - {name: compute, order: 10}
  - {name: storage, order: 20}
  - {name: control, order: 1}
  - {name: generic, order: 20}
  - {name: free}
`);
    expect(Object.fromEntries(roles.map(({ name, after }) => [name, after]))).to.deep.equal({
      control: [],
      compute: ['control'],
      storage: ['compute'],
      generic: ['compute'],
      free: [],
    });
  });

  it('staypuft:M-04 a ring, a role that is not there and one named twice are refused, all at once', () => {
    const problems = wrong(`
roles:
  - {name: db, after: [web]}
  - {name: web, after: [db, cache]}
  - {name: Web}
  - {name: both, after: [db], order: 3}
`);
    expect(problems).to.deep.equal([
      'roles[3].order: it says both order and after',
      'roles[2].name: Web is the name of roles[1] already',
      'roles[1].after[1]: there is no role cache',
      'roles: they wait for one another: db → web → db',
    ]);
  });

  it('staypuft:M-12 every problem is listed at once, each with its place and what to do', () => {
    const { blueprint, problems } = readBlueprint(`
schema: d3/blueprint@2
colour: red
parameters:
  - {name: port, type: number, default: eighty}
  - {name: PORT}
  - {name: 2nd, type: word}
  - {name: key, type: secret, default: hunter2}
roles:
  - name: a b
    mode: parallel
    leader: db1
    batches: [0, rest, 5, 150%]
    abreast: 0
    min: 3
    max: 1
    steps:
      - {}
      - {sync: true, install: x}
      - dance
      - {script: echo hi}
      - {install: ../x, timeout: 5d, retries: -1}
      - {wait: {seconds: 1, port: 80}}
      - {wait: {port: 0, every: 3}}
      - {service: nginx, is: up}
      - {puppet: {environment: Prod, apply: x, colour: 1}}
      - {reboot: false}
      - {assert: '', is: on}
`);
    expect(blueprint).to.equal(null);
    expect(problems.map((one) => one.path)).to.deep.equal([
      'colour',
      'schema',
      'parameters[0].default',
      'parameters[1].name',
      'parameters[2].name',
      'parameters[2].type',
      'parameters[3].default',
      'roles[0].name',
      'roles[0].mode',
      'roles[0].leader',
      'roles[0].max',
      'roles[0].batches[0]',
      'roles[0].batches[3]',
      'roles[0].batches[2]',
      'roles[0].abreast',
      'roles[0].steps[0]',
      'roles[0].steps[1]',
      'roles[0].steps[2]',
      'roles[0].steps[3].script',
      'roles[0].steps[4].timeout',
      'roles[0].steps[4].retries',
      'roles[0].steps[4].install',
      'roles[0].steps[5].wait',
      'roles[0].steps[6].wait.every',
      'roles[0].steps[6].wait.port',
      'roles[0].steps[7].is',
      'roles[0].steps[8].puppet.colour',
      'roles[0].steps[8].puppet',
      'roles[0].steps[8].puppet.environment',
      'roles[0].steps[9].reboot',
      'roles[0].steps[10].is',
      'roles[0].steps[10].assert',
    ]);
    expect(problems.every(({ what, next }) => what !== '' && next !== '')).to.equal(true);
    expect(JSON.stringify(problems)).not.to.contain('hunter2');
  });

  it('staypuft:M-11 places of secrets are written only where somebody asks, and never what is kept there', () => {
    const { blueprint } = readBlueprint(
      'parameters: [{name: key, type: secret, default: "file:/etc/key", required: true}]\nroles: [{name: a}]',
    );
    expect(writeBlueprint(blueprint as never, { name: null, secrets: true })).to.contain('file:/etc/key');
    const without = writeBlueprint(blueprint as never, { name: null, secrets: false });
    expect(without).not.to.contain('/etc/key');
    const [parameter] = (readBlueprint(without).blueprint?.parameters ?? []) as Parameter[];
    expect(parameter).to.deep.include({ name: 'key', default: null, required: true });
  });

  it('text that is made to harm is refused: bombs of aliases, depth, size, tags, doubles, broken text', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
      .split('')
      .map((name, n) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[n]}`).join(',')}]`)
      .join('\n')}`;
    for (const text of [
      bomb,
      '['.repeat(200_000),
      '- '.repeat(200_000),
      Array.from({ length: 1000 }, (_, n) => `${' '.repeat(n)}a:\n`).join(''),
      `roles: ${'{a: '.repeat(5000)}1${'}'.repeat(5000)}`,
      `roles: [{name: a}] # ${'x'.repeat(1024 * 1024)}`,
      '*a '.repeat(300_000),
      `roles:\n${'- {name: a}\n'.repeat(80_000)}`,
      '"'.repeat(1_000_000),
      'roles: !!js/function "x"',
      'roles: [{name: a}]\nroles: [{name: b}]',
      'roles: [{name: a}]\n---\nroles: []',
      '{',
      '',
      'null',
      '- 1',
      '"text"',
      '{"__proto__": {"roles": [{"name": "a"}]}}',
      'roles: [{name: a, __proto__: {mode: serial}}]',
      'roles: [{name: a, constructor: 1}]',
      '<<: {roles: [{name: a}]}',
    ]) {
      const { blueprint, problems } = readBlueprint(text);
      expect(blueprint, text.slice(0, 60)).to.equal(null);
      expect(problems.length).to.be.greaterThan(0);
      expect(problems.every((one) => one.path.length < 400)).to.equal(true);
    }
    expect(({} as Record<string, unknown>)['roles']).to.equal(undefined);
  });

  it('whatever is read, it is a blueprint that is kept as it is, or has problems', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie('any'), { maxLength: 3 }),
        tie('some'),
      ),
      some: fc.dictionary(
        fc.constantFrom(
          'roles',
          'name',
          'after',
          'steps',
          'mode',
          'sync',
          'wait',
          'puppet',
          'parameters',
          'type',
          'batches',
        ),
        tie('any'),
      ),
    })).some;
    fc.assert(
      fc.property(value, (one) => {
        const { blueprint, problems } = blueprintOf(one);
        expect(blueprint === null).to.equal(problems.length > 0);
        if (blueprint !== null) expect(blueprintOf(blueprint).blueprint).to.deep.equal(blueprint);
      }),
    );
  });

  it('staypuft:M-03 the example that is shipped is good, and short', () => {
    const file = path.join(repository, 'examples/blueprints/web-and-db.yaml');
    const { blueprint, name, problems } = readBlueprint(readFileSync(file, 'utf8'));
    expect(problems).to.deep.equal([]);
    expect(name).to.equal('web-and-db');
    expect(((blueprint?.roles ?? []) as Role[]).map((role) => role.name)).to.deep.equal(['db', 'web']);
    expect(((blueprint?.roles ?? []) as Role[])[1]?.after).to.deep.equal(['db']);
  });
});

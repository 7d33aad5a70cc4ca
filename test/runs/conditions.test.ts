import { expect } from 'chai';
import { stepProblems } from '../../src/runs/check.ts';
import { conditionText, factAt, holds } from '../../src/runs/conditions.ts';
import { CORE_KINDS, MAX_STEPS } from '../../src/runs/schema.ts';
import type { Condition } from '../../src/runs/types.ts';

const FACTS = {
  machine: { os: { name: 'macos', version: '15.1' }, groups: ['labs', 'all'], user: null },
  installed: { 'tool.app': { edition: 'tool.app-1-1', piloting: false } },
  queued: [],
  count: 3,
};

describe('conditions over facts', () => {
  const cases: [Condition, boolean][] = [
    [{ fact: 'machine.os.name', is: 'macos' }, true],
    [{ fact: 'machine.os.name', is: 'debian' }, false],
    [{ fact: 'machine.user', is: null }, true],
    [{ fact: 'machine.nothing', is: null }, true],
    [{ fact: 'machine.user', exists: false }, true],
    [{ fact: 'machine.groups', has: 'labs' }, true],
    [{ fact: 'machine.groups', has: 'lab' }, false],
    [{ fact: 'installed', has: 'tool.app' }, true],
    [{ fact: 'installed.tool.app.piloting', is: false }, true],
    [{ fact: 'installed.tool.app', exists: true }, true],
    [{ fact: 'installed.constructor', exists: true }, false],
    [{ fact: 'installed', has: 'toString' }, false],
    [{ fact: 'queued.length', exists: true }, false],
    [{ fact: 'count', oneOf: [1, 3] }, true],
    [{ fact: 'count', oneOf: ['3'] }, false],
    [{ fact: 'count', exists: true, is: 4 }, false],
    [{ not: { fact: 'count', is: 3 } }, false],
    [
      {
        all: [
          { fact: 'count', is: 3 },
          { fact: 'queued', exists: true },
        ],
      },
      true,
    ],
    [
      {
        all: [
          { fact: 'count', is: 3 },
          { fact: 'count', is: 4 },
        ],
      },
      false,
    ],
    [
      {
        any: [
          { fact: 'count', is: 4 },
          { fact: 'count', is: 3 },
        ],
      },
      true,
    ],
  ];
  for (const [condition, answer] of cases) {
    it(`${conditionText(condition)}: ${answer}`, () => {
      expect(holds(condition, FACTS)).to.equal(answer);
    });
  }

  it('a fact that is not there is null', () => {
    for (const path of ['', 'x', 'machine.os.name.length', '__proto__', 'machine.__proto__.x'])
      expect(factAt(FACTS, path), path).to.equal(null);
  });
});

describe('steps that cannot be', () => {
  const kinds = new Map(Object.entries(CORE_KINDS).map(([kind, schema]) => [kind, { schema }]));
  const deep = (levels: number): unknown => {
    let condition: unknown = { fact: 'x', exists: true };
    for (let level = 0; level < levels; level += 1) condition = { not: condition };
    return condition;
  };
  const script = { id: 1, name: 's', sha256: 'a'.repeat(64), size: 1 };
  const bad: Record<string, [steps: unknown, code: string, words: RegExp]> = {
    'no list': [{}, 'STEP_INVALID', /must be array/],
    none: [[], 'STEP_INVALID', /fewer than 1/],
    'too many': [
      Array.from({ length: MAX_STEPS + 1 }, () => ({ kind: 'reboot', args: {} })),
      'STEP_INVALID',
      /more than/,
    ],
    'no kind': [[{ args: {} }], 'STEP_INVALID', /kind/],
    'an unknown kind': [[{ kind: 'format-disk', args: {} }], 'STEP_KIND', /format-disk/],
    'a kind that is a name of objects': [[{ kind: 'constructor', args: {} }], 'STEP_KIND', /constructor/],
    'an unknown property': [[{ kind: 'reboot', args: {}, retires: 2 }], 'STEP_INVALID', /additional/],
    'an unknown argument': [[{ kind: 'reboot', args: { now: true } }], 'STEP_INVALID', /additional/],
    'an argument of another kind': [[{ kind: 'install', args: { targets: 'x' } }], 'STEP_INVALID', /targets/],
    'no target': [[{ kind: 'install', args: { targets: [] } }], 'STEP_INVALID', /targets/],
    'a control character': [[{ kind: 'install', args: { targets: ['a\nb'] } }], 'STEP_INVALID', /targets/],
    'a name of two lines': [[{ kind: 'reboot', args: {}, name: 'a\nb' }], 'STEP_INVALID', /name/],
    'a time limit of nothing': [[{ kind: 'reboot', args: {}, timeout: 0 }], 'STEP_INVALID', /timeout/],
    'retries without end': [[{ kind: 'reboot', args: {}, retries: 1e9 }], 'STEP_INVALID', /retries/],
    'another way to fail': [[{ kind: 'reboot', args: {}, onFailure: 'panic' }], 'STEP_INVALID', /onFailure/],
    'a condition about nothing': [[{ kind: 'reboot', args: {}, when: { fact: 'x' } }], 'STEP_INVALID', /when/],
    'a condition that is code': [[{ kind: 'reboot', args: {}, when: 'true' }], 'STEP_INVALID', /when/],
    'a condition without a bottom': [
      [{ kind: 'reboot', args: {}, when: deep(50_000) }],
      'STEP_INVALID',
      /nested deeper/,
    ],
    'a script by a path': [
      [{ kind: 'script', args: { script: { ...script, sha256: '../../etc/passwd' } } }],
      'STEP_INVALID',
      /sha256/,
    ],
    'too many parameters': [
      [{ kind: 'script', args: { script, parameters: Array.from({ length: 9 }, () => 'x') } }],
      'STEP_INVALID',
      /parameters/,
    ],
    'a service that is an option': [
      [{ kind: 'service', args: { name: '--now', action: 'stop' } }],
      'STEP_INVALID',
      /name/,
    ],
    'a service that is a path': [[{ kind: 'service', args: { name: '../x', action: 'stop' } }], 'STEP_INVALID', /name/],
    'a wait for nothing': [[{ kind: 'wait', args: {} }], 'STEP_INVALID', /fewer than 1/],
    'a wait that looks for nothing': [[{ kind: 'wait', args: { seconds: 1, every: 1 } }], 'STEP_INVALID', /for/],
  };
  for (const [what, [steps, code, words]] of Object.entries(bad)) {
    it(`${what}: refused, naming the step, the cause and what to do`, async () => {
      const [problem] = await stepProblems(steps, kinds);
      expect(problem?.code).to.equal(code);
      expect(problem?.message).to.match(words);
      expect(problem?.target).to.match(/^steps$|^step 1 \(/);
      expect(problem?.actions).to.have.length.greaterThan(0);
    });
  }

  it('are all named at once; good ones are not', async () => {
    const steps = [
      { kind: 'reboot', args: {} },
      { kind: 'x', args: {} },
      { kind: 'sync', args: { puppies: 'y' } },
    ];
    expect((await stepProblems(steps, kinds)).map(({ target }) => target)).to.deep.equal([
      'step 2 (x)',
      'step 3 (sync)',
    ]);
    expect(await stepProblems([steps[0]], kinds)).to.deep.equal([]);
  });
});

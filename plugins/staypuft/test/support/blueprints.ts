import fc from 'fast-check';
import { isLine } from '../../src/rules/names.ts';
import type { Blueprint, Parameter, Role, RoleStep } from '../../src/types.ts';

/** Blueprints as the depot keeps them, of every shape that is allowed. */

const word = fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/);
const text = fc.string({ unit: 'binary', maxLength: 60 }).filter((one) => !one.includes('\0'));
const line = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter(isLine);
const seconds = fc.integer({ min: 1, max: 86_400 });
const command = fc.tuple(text, fc.constantFrom('true', 'a: b # c', '- x')).map((parts) => parts.join('\n'));

/** Without what was drawn as undefined. */
const record = <Shape extends object>(
  shape: { [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> },
  required: (keyof Shape)[],
) => fc.record(shape, { requiredKeys: required as never }) as fc.Arbitrary<Shape>;

const deed: fc.Arbitrary<object> = fc.oneof(
  fc.constant({ sync: true }),
  word.map((install) => ({ install })),
  text.map((script) => ({ script: `#!/bin/sh\n${script}` })),
  line.map((policy) => ({ policy })),
  record(
    {
      environment: fc.constantFrom('production', 'discovery'),
      rounds: fc.integer({ min: 1, max: 20 }),
      only: fc.array(line, { maxLength: 3 }),
    },
    [],
  ).map((puppet) => ({ puppet })),
  command.map((apply) => ({ puppet: { apply } })),
  fc.constant({ reboot: true }),
  seconds.map((one) => ({ wait: { seconds: one } })),
  fc.integer({ min: 1, max: 65_535 }).map((port) => ({ wait: { port } })),
  record({ until: command, every: seconds }, ['until']).map((wait) => ({ wait })),
  command.map((assert) => ({ assert })),
  fc.record({ service: word, is: fc.constantFrom('on', 'off') }),
);
const step = fc
  .tuple(record({ name: line, timeout: seconds, retries: fc.nat({ max: 100 }) }, []), deed)
  .map(([common, what]) => ({ ...common, ...what }) as RoleStep);

const batches = fc
  .array(
    fc.oneof(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 100 }).map((n) => `${n}%` as const),
    ),
    { maxLength: 3 },
  )
  .chain((sizes) => fc.constantFrom<Role['batches']>(sizes, [...sizes, 'rest']));

const role = fc
  .record({
    mode: fc.constantFrom('concurrent' as const, 'serial' as const, 'leader' as const),
    leader: fc.option(line),
    batches,
    abreast: fc.integer({ min: 1, max: 1000 }),
    maxFailures: fc.nat({ max: 100 }),
    min: fc.nat({ max: 5 }),
    max: fc.option(fc.integer({ min: 5, max: 50 })),
    steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  })
  .map((one) => ({
    ...one,
    leader: one.mode === 'leader' ? one.leader : null,
    batches: one.mode === 'serial' ? [] : one.batches,
  }))
  .chain((one) => fc.constantFrom<Omit<Role, 'name' | 'after'>>(one, { ...one, hostgroup: 'base/web' }));

const roles = fc
  .array(fc.tuple(role, fc.array(fc.nat(), { maxLength: 3 })), { minLength: 1, maxLength: 6 })
  .map((drawn) =>
    drawn.map(([one, after], n): Role => {
      const before = n === 0 ? [] : after.map((each) => `role-${each % n}`);
      return { name: `role-${n}`, after: [...new Set(before)], ...one };
    }),
  );

const parameter = fc.oneof(
  fc.record({ type: fc.constant('text' as const), default: fc.option(text) }),
  fc.record({
    type: fc.constant('number' as const),
    default: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0)),
  }),
  fc.record({ type: fc.constant('boolean' as const), default: fc.option(fc.boolean()) }),
  fc.record({ type: fc.constant('list' as const), default: fc.option(fc.array(line, { maxLength: 3 })) }),
  fc.record({
    type: fc.constant('secret' as const),
    default: fc.option(fc.constantFrom('file:/etc/secret', 'command:/bin/ask')),
  }),
);
const parameters = fc
  .array(fc.tuple(parameter, fc.boolean(), text), { maxLength: 5 })
  .map((drawn) =>
    drawn.map(([one, required, description], n): Parameter => ({ name: `p${n}`, ...one, required, description })),
  );

export const anyBlueprint: fc.Arbitrary<Blueprint> = fc
  .record({ description: text, roles, parameters })
  .map((one) => ({ schema: 'd3/blueprint@1', ...one }) as unknown as Blueprint);

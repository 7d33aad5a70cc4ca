import { D3Error } from '@d3/sdk';
import { problemsWith, refuseNewerSchema } from '../json-schema.ts';
import { RUN_ID, runSchema, stepsSchema } from './schema.ts';
import { nameOf, type Run, type Step, type StepKind } from './types.ts';

/**
 * What is wrong with steps, each problem naming its step: their shape first, then each step's args by the schema of its kind.
 * @param kinds schemas by the names of the kinds there are
 */
export async function stepProblems(
  steps: unknown,
  kinds: ReadonlyMap<string, Pick<StepKind, 'schema'>>,
): Promise<D3Error[]> {
  const shape = await problemsWith(steps, stepsSchema);
  if (shape !== null) return [invalid('steps', shape)];
  const problems: D3Error[] = [];
  for (const [index, step] of (steps as Step[]).entries()) {
    const target = `step ${index + 1} (${nameOf(step)})`;
    const kind = kinds.get(step.kind);
    if (kind === undefined) {
      problems.push(
        new D3Error('STEP_KIND', 'notFound', `There is no kind of step called ${step.kind}.`, {
          target,
          actions: [`the kinds here are ${[...kinds.keys()].sort().join(', ')}; others come with plugins: d3 plugins`],
        }),
      );
      continue;
    }
    const why = await problemsWith(step.args ?? {}, kind.schema);
    if (why !== null) problems.push(invalid(target, `its args: ${why}`));
  }
  return problems;
}

function invalid(target: string, why: string): D3Error {
  return new D3Error('STEP_INVALID', 'usage', `${target} cannot be run: ${why}.`, {
    target,
    actions: ['see what each kind of step takes: docs/policies.md'],
  });
}

/**
 * A run as it was stored.
 * @param where the store, for messages
 * @throws D3Error refused `SCHEMA_NEWER` for one that a newer d3 wrote, failed `RUN_DAMAGED` for one that is none
 */
export async function readRun(text: string, where: string): Promise<Run> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(where, 'it is not JSON', error);
  }
  const { schema, id } = (value ?? {}) as { schema?: unknown; id?: unknown };
  const name = typeof id === 'string' && new RegExp(RUN_ID).test(id) ? `The run ${id}` : 'A run';
  refuseNewerSchema(schema, 'step-run', 1, name);
  const problem = await problemsWith(value, runSchema);
  if (problem !== null) throw damaged(where, `${name} is not what it must be: ${problem}`);
  return value as Run;
}

function damaged(where: string, why: string, cause?: unknown): D3Error {
  return new D3Error('RUN_DAMAGED', 'failed', `A run in ${where} cannot be read: ${why}.`, {
    target: where,
    actions: ['it was left as it is; start what it was for again'],
    cause,
  });
}

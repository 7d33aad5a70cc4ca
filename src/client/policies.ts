import { D3Error, EXIT_CODES, type ExitName } from '@d3/sdk';
import { byName, notDue, outOfScope, policiesMeant } from '../catalog/policies.ts';
import type { CatalogPolicy } from '../catalog/types.ts';
import { strftime } from '../config/strftime.ts';
import { problemsWith, refuseNewerSchema } from '../json-schema.ts';
import { newRunId } from '../run-id.ts';
import { stepProblems } from '../runs/check.ts';
import { isHeld } from '../runs/engine.ts';
import { exitOfRun, problemOfRun } from '../runs/exit.ts';
import { newRun } from '../runs/make.ts';
import { policySchema } from '../runs/policy-schema.ts';
import type { Run, RunState } from '../runs/types.ts';
import { noDepot } from './no-depot.ts';
import type { StepRuns } from './step-runs.ts';
import { freshCatalog, keptCatalog } from './steps/catalog.ts';
import type { StepFacts } from './steps/facts.ts';
import type { StepParts } from './steps/parts.ts';

/** What came of one policy. `handled`: a plugin took it on. `open`: an earlier run of it is not over. */
export interface PolicyOutcome {
  policy: string;
  id: number | null;
  run: string | null;
  state: RunState | 'handled' | 'out-of-scope' | 'not-due' | 'open' | 'refused';
  text: string;
  exit: number;
  problem: { code: string; exit: ExitName; actions: readonly string[] } | null;
}

export interface PolicyRequest {
  /** An id, a name or an event. */
  word: string;
  by: string;
  /** What its scripts see besides what all see. */
  environment: Record<string, string>;
}

/** A policy as this machine sees it. */
export interface ListedPolicy {
  id: number;
  name: string;
  events: string[];
  frequency: CatalogPolicy['frequency'];
  description: string;
  /** Kinds of its steps. */
  steps: string[];
  /** Why it is not run here now; null when it would be. */
  not: string | null;
  /** ISO 8601; null: never. */
  done: string | null;
}

/** Policies on this machine: what the depot has, which are for here, and their runs. */
export class Policies {
  readonly #parts: StepParts;
  readonly #runs: StepRuns;
  #policies: CatalogPolicy[] | null = null;

  constructor(parts: StepParts, runs: StepRuns) {
    this.#parts = parts;
    this.#runs = runs;
  }

  /** All that are for this machine, and with `all` the others too; by name. */
  async list(all: boolean): Promise<ListedPolicy[]> {
    const policies = await this.#all();
    const facts = await this.#runs.facts();
    const done = await this.#done();
    const listed = policies.toSorted(byName).map((policy) => {
      const { id, name, events, frequency, description, steps, scope } = policy;
      const outside = outOfScope(scope, targetOf(facts));
      const not = outside ?? notDue(policy, done.get(id) ?? null, this.#day());
      const kinds = steps.map(({ kind }) => kind);
      return { id, name, events, frequency, description, steps: kinds, not, done: done.get(id)?.at ?? null, outside };
    });
    return listed.flatMap(({ outside, ...policy }) => (all || outside === null ? [policy] : []));
  }

  /** What {@link run} would do now: nothing is locked or changed. @throws D3Error notFound `POLICY_NOT_FOUND` */
  async preview(word: string): Promise<ListedPolicy[]> {
    const meant = (await this.#meant(word)).map(({ id }) => id);
    const listed = await this.list(true);
    return meant.flatMap((id) => listed.filter((policy) => policy.id === id));
  }

  /**
   * Runs a policy, or all of an event in the order of their names: a plugin's first, then the depot's.
   * @throws D3Error notFound `POLICY_NOT_FOUND` when there is none
   */
  async run(request: PolicyRequest): Promise<PolicyOutcome[]> {
    const taken = await this.#takenOn(request);
    if (taken !== null) return [taken];
    const meant = await this.#meant(request.word);
    const outcomes: PolicyOutcome[] = [];
    for (const policy of meant) outcomes.push(await this.#runOne(policy, request, null, null));
    return outcomes;
  }

  /** The same as a step of a run: each policy's run is kept under a name made of the step's, so that it is found again. */
  async runWithin(request: PolicyRequest, parent: Run, index: number, round = 0): Promise<PolicyOutcome[]> {
    const taken = await this.#takenOn(request);
    if (taken !== null) return [taken];
    const meant = await this.#meant(request.word);
    const place = `${parent.id}.${index + 1}${round === 0 ? '' : `.${round}`}`;
    const outcomes: PolicyOutcome[] = [];
    for (const policy of meant) {
      await this.#refuseCircle(policy, parent);
      outcomes.push(await this.#runOne(policy, request, parent, `${place}-${policy.id}`));
    }
    return outcomes;
  }

  async #takenOn({ word, environment }: PolicyRequest): Promise<PolicyOutcome | null> {
    const { options, machine } = this.#parts;
    const room = await this.#runs.room(options.signal, (text) =>
      options.report({ type: 'detail', target: null, text }),
    );
    const taken = await machine.plugins.policy({ event: word, environment }, room);
    if (taken === null) return null;
    const { exit = 0, text = '' } = taken.answer;
    const words = `${taken.plugin} took it on${text && `: ${text}`}`;
    const problem = { code: 'POLICY_FAILED', exit: 'failed', actions: [] } as const;
    return {
      policy: word,
      id: null,
      run: null,
      state: 'handled',
      text: words,
      exit,
      problem: exit === 0 ? null : problem,
    };
  }

  async #meant(word: string): Promise<CatalogPolicy[]> {
    const all = await this.#all();
    const meant = policiesMeant(word, all);
    if (meant.length > 0) return meant;
    const names = all.flatMap(({ name, events }) => [name, ...events]);
    throw new D3Error('POLICY_NOT_FOUND', 'notFound', `No policy has the id, the name or the event ${word}.`, {
      target: word,
      actions: [
        names.length === 0
          ? 'the depot has no policies: d3admin policy add'
          : 'see what there is: d3 policy --list --all',
      ],
    });
  }

  async #all(): Promise<CatalogPolicy[]> {
    if (this.#policies !== null) return this.#policies;
    const { machine, options } = this.#parts;
    const { depot } = machine;
    if (depot === null) throw noDepot();
    const trusted = await freshCatalog(this.#parts, depot).catch(async (error: unknown) => {
      const kept = error instanceof D3Error && error.exit === 'depotUnreachable' ? await keptCatalog(depot) : null;
      if (kept === null) throw error;
      options.report({
        type: 'warning',
        target: null,
        text: `${(error as Error).message} The policies are those seen last.`,
      });
      return kept;
    });
    for (const text of trusted.warnings) options.report({ type: 'warning', target: null, text });
    this.#runs.catalog = trusted.catalog;
    this.#policies = trusted.catalog.policies ?? [];
    return this.#policies;
  }

  async #runOne(
    policy: CatalogPolicy,
    request: PolicyRequest,
    parent: Run | null,
    id: string | null,
  ): Promise<PolicyOutcome> {
    const earlier = id === null ? await this.#openRun(policy) : await this.#runs.store.get(id);
    if (earlier !== null) return this.#goOn(policy, earlier, request.by);
    const facts = await this.#runs.facts();
    const outside = outOfScope(policy.scope, targetOf(facts));
    const nothing = { policy: policy.name, id: policy.id, run: null, exit: 0, problem: null };
    if (outside !== null) {
      const byEvent = policy.events.includes(request.word);
      const problem = {
        code: 'POLICY_SCOPE',
        exit: 'refused',
        actions: ['see what is for here: d3 policy --list'],
      } as const;
      // Whoever asks for it by name wanted this very one; an event only sets off what is meant for the machine.
      const refused = byEvent ? {} : { exit: EXIT_CODES.refused.code, problem };
      return { ...nothing, state: 'out-of-scope', text: outside, ...refused };
    }
    const not = notDue(policy, (await this.#done()).get(policy.id) ?? null, this.#day());
    if (not !== null) return { ...nothing, state: 'not-due', text: not };
    const problems = await this.#problems(policy);
    if (problems.length > 0) return refusedFor(policy, problems);
    const { name, steps } = policy;
    const event = policy.events.includes(request.word) ? request.word : null;
    const run = newRun({
      id: id ?? newRunId(this.#parts.machine.clock.now()),
      origin: { kind: 'policy', id: policy.id, name, event },
      parent: parent?.id ?? null,
      by: request.by,
      at: this.#parts.machine.clock.now(),
      steps,
      environment: request.environment,
    });
    await this.#runs.create(run);
    return outcomeOf(await this.#runs.advance(run.id));
  }

  /** A run of it that is not over yet: one that was cut goes on, any other one is said. */
  async #goOn(policy: CatalogPolicy, run: Run, by: string): Promise<PolicyOutcome> {
    const { resumeRun, retryStep } = await import('../runs/decisions.ts');
    const { deciding } = this.#runs;
    if (run.state === 'done' || run.state === 'cancelled') return outcomeOf(run);
    if (run.state === 'failed') await retryStep(run.id, by, deciding);
    else if (run.state === 'holding' || isHeld(run, deciding)) {
      const how = run.state === 'holding' ? `it holds: ${run.text}` : 'it is at work';
      const problem = {
        code: 'POLICY_OPEN',
        exit: run.state === 'holding' ? 'holding' : 'busy',
        actions: [run.state === 'holding' ? `look at it: d3 run show ${run.id}` : `watch it: d3 run watch ${run.id}`],
      } as const;
      const exit = EXIT_CODES[problem.exit].code;
      const text = `its run ${run.id} is not over, ${how}`;
      return { policy: policy.name, id: policy.id, run: run.id, state: 'open', text, exit, problem };
    } else await resumeRun(run.id, by, deciding);
    return outcomeOf(await this.#runs.advance(run.id));
  }

  async #openRun(policy: CatalogPolicy): Promise<Run | null> {
    const open = await this.#runs.open();
    return open.find(({ origin }) => origin.kind === 'policy' && origin.id === policy.id) ?? null;
  }

  async #refuseCircle(policy: CatalogPolicy, parent: Run): Promise<void> {
    for (
      let run: Run | null = parent;
      run !== null;
      run = run.parent === null ? null : await this.#runs.store.get(run.parent)
    ) {
      if (run.origin.kind !== 'policy' || run.origin.id !== policy.id) continue;
      throw new D3Error(
        'POLICY_CIRCLE',
        'refused',
        `The policy ${policy.name} is at work already: it would run itself.`,
        {
          target: policy.name,
          actions: ['take the step out: d3admin policy edit'],
        },
      );
    }
  }

  async #problems(policy: CatalogPolicy): Promise<D3Error[]> {
    const { id, name, ...body } = policy;
    refuseNewerSchema(body.schema, 'policy', 1, `The policy ${name}`);
    const why = await problemsWith(body, policySchema);
    if (why === null) return stepProblems(policy.steps, await this.#runs.kinds());
    return [
      new D3Error(
        'POLICY_INVALID',
        'verificationFailed',
        `The policy ${name} (${id}) is not what it must be: ${why}.`,
        {
          target: name,
          actions: ['an admin should look at it: d3admin policy show'],
        },
      ),
    ];
  }

  /** When each policy was done last: written down, or known from a run that ended before it could be. */
  async #done(): Promise<Map<number, { at: string; day: string }>> {
    const done = this.#runs.store.policiesDone();
    for (const { origin, state, endedAt } of await this.#runs.store.list()) {
      if (origin.kind !== 'policy' || origin.id === null || state !== 'done' || endedAt === null) continue;
      if ((done.get(origin.id) ?? '') < endedAt) done.set(origin.id, endedAt);
    }
    return new Map([...done].map(([id, at]) => [id, { at, day: dayOf(new Date(at)) }]));
  }

  #day(): string {
    return dayOf(this.#parts.machine.clock.now());
  }
}

/** The day it is here: a policy that is to be done once a day is done on each day of this machine's own calendar. */
function dayOf(at: Date): string {
  return strftime('%Y-%m-%d', at);
}

function targetOf({ groupIds, provisioning }: StepFacts): { groups: number[]; provisioning: Record<string, string> } {
  return { groups: groupIds, provisioning };
}

function refusedFor({ name, id }: CatalogPolicy, problems: readonly D3Error[]): PolicyOutcome {
  const [first] = problems as [D3Error];
  const text = problems.map(({ target, message }) => `${target ?? name}: ${message}`).join(' ');
  const { code, exit, actions } = first;
  return {
    policy: name,
    id,
    run: null,
    state: 'refused',
    text,
    exit: first.exitCode,
    problem: { code, exit, actions },
  };
}

function outcomeOf(run: Run): PolicyOutcome {
  const { origin, id, state } = run;
  const exit = exitOfRun(run);
  return { policy: origin.name, id: origin.id, run: id, state, text: run.text, exit, problem: problemOfRun(run) };
}

/** Every failure of policies as the error of a command. */
export function errorsOf(outcomes: readonly PolicyOutcome[]): D3Error[] {
  return outcomes.flatMap(({ policy, text, problem }) =>
    problem === null
      ? []
      : [
          new D3Error(problem.code, problem.exit, `The policy ${policy}: ${text}`, {
            target: policy,
            actions: problem.actions,
          }),
        ],
  );
}

import type { PolicyTest, StoredPolicy } from '../admin/policies.ts';
import { conditionText } from '../runs/conditions.ts';
import { nameOf, type Step } from '../runs/types.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { fields, listed } from './table-text.ts';

export function showPolicy(
  { id, name, generation, changedAt, changedBy, body }: StoredPolicy,
  terminal: Terminal,
): void {
  const { scope, events, frequency, description } = body;
  const provisioning = Object.entries(scope.provisioning).map(([fact, values]) => `${fact} ${values.join(' or ')}`);
  terminal.result(
    fields([
      ['Policy', name],
      ['Id', String(id)],
      ['Description', description],
      ['Events', listed(events)],
      ['How often', frequency],
      ['Groups', listed(scope.groups)],
      ['Excluded groups', listed(scope.excludedGroups)],
      ['Departments', scope.departments.length === 0 ? 'all' : scope.departments.join(', ')],
      ['Buildings', scope.buildings.length === 0 ? 'all' : scope.buildings.join(', ')],
      ...(provisioning.length === 0 ? [] : [['Provisioning', provisioning.join(', ')] as const]),
      ['Changed', `${changedAt} by ${changedBy} (${generation})`],
    ]),
  );
  terminal.table({
    title: 'Steps',
    columns: [{ header: 'Step', align: 'right' }, 'Name', 'Kind', 'What', 'When it fails', 'Only where'],
    rows: (body.steps as Step[]).map((step, index) => [
      index + 1,
      nameOf(step),
      step.kind,
      whatOf(step),
      step.onFailure ?? (step.required === false ? 'continue' : 'stop'),
      step.when === undefined ? '' : conditionText(step.when),
    ]),
  });
}

function whatOf({ kind, args }: Step): string {
  const { script, targets } = args as { script?: { name: string }; targets?: string[] };
  if (kind === 'script') return script?.name ?? '';
  return targets === undefined ? JSON.stringify(args) : targets.join(', ');
}

export function showTest({ policy, computer, not, provisioning, steps }: PolicyTest, terminal: Terminal): void {
  const known = Object.entries(provisioning).map(([name, value]) => `${name} ${value}`);
  terminal.result(
    fields([
      ['Policy', policy],
      ['Computer', `${computer.name} (${computer.id}), last heard of at ${computer.lastContact}`],
      ['Provisioning', known.length === 0 ? 'not known here; the computer itself looks again' : known.join(', ')],
      ['For it', not === null ? 'yes' : `no: ${not}`],
    ]),
  );
  terminal.table({
    title: 'Steps',
    columns: [{ header: 'Step', align: 'right' }, 'Name', 'Kind', 'Only where', 'As last reported'],
    rows: steps.map(({ name, kind, when, note }, index) => [index + 1, name, kind, when ?? '', note]),
  });
}

import type { RunHere, StepHere } from '@d3/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import { assignHosts } from '../src/deployment/assign.ts';
import { markdownOf, type Report, reportOf, words } from '../src/deployment/report.ts';
import type { DeploymentRuns } from '../src/deployment/runs.ts';
import { runName } from '../src/rules/host-steps.ts';
import { DeploymentSite } from './support/site.ts';

const step = (name: string, state: StepHere['state'], more: Partial<StepHere> = {}): StepHere => ({
  name,
  kind: 'deploy-step',
  args: {},
  state,
  required: true,
  attempts: 1,
  startedAt: '2030-01-01T00:00:00.000Z',
  endedAt: '2030-01-01T00:01:00.000Z',
  text: '',
  notBefore: null,
  skipped: null,
  ...more,
});
const run = (id: string, name: string, state: RunHere['state'], steps: StepHere[], text = ''): RunHere => ({
  id,
  name,
  state,
  text,
  exit: 0,
  isAdvanced: false,
  by: 'sally',
  createdAt: '2030-01-01T00:00:00.000Z',
  endedAt: '2030-01-01T00:02:00.000Z',
  cursor: steps.findIndex((one) => one.state !== 'done'),
  steps,
  cancel: null,
});

/** Runs as they are kept. */
function kept(runs: readonly RunHere[]): DeploymentRuns {
  return {
    get: async (id) => runs.find((one) => one.id === id) ?? null,
    family: async (parent) =>
      runs
        .filter(({ id }) => id.startsWith(`${parent}-`))
        .map(({ id, name, state, text, cursor, steps, endedAt }) => ({
          id,
          name,
          state,
          text,
          cursor,
          steps: steps.length,
          step: null,
          endedAt,
        })),
  };
}

describe('Reports of deployments', function () {
  this.timeout(60_000);

  it('staypuft:D-07 hosts, states, who and when, steps, failures, and what was left out by whom and why', async () => {
    const site = await DeploymentSite.open();
    try {
      await site.blueprint();
      await site.hosts(['web1', 'web2']);
      await site.deployment();
      await site.ports((ports) =>
        assignHosts({ deployment: 'shop', role: 'web', hosts: ['web1', 'web2'], set: [], dryRun: false }, ports),
      );
      const skipped = { by: 'joe', at: '2030-01-01T00:01:30.000Z', why: 'it is known | to be slow' };
      const runs = kept([
        run('r1', 'shop', 'holding', [step('conduct', 'started')], 'web: 1 failed'),
        run('r1-0p', runName('shop', 'web1', 'prepare'), 'done', [step('wait', 'done')]),
        run(
          'r1-0r',
          runName('shop', 'web1', 'role'),
          'failed',
          [step('sync', 'failed', { attempts: 3, text: 'no space left\non device' })],
          'sync failed',
        ),
        run('r1-1p', runName('shop', 'web2', 'prepare'), 'done', [step('wait', 'skipped', { skipped })]),
      ]);
      await site.with(async (admin) => {
        const found = await admin.documents('deployment').byName('shop');
        await admin.documents('deployment').update(found?.id ?? 0, found?.generation ?? 0, {
          body: { ...(found?.body as NonNullable<typeof found>['body']), run: 'r1' },
        });
      });
      const report = await site.ports((ports) => reportOf('shop', ports), { runs });
      expect(report.counts).to.deep.equal({ failed: 1, ready: 1 });
      expect(report.run).to.deep.include({ id: 'r1', by: 'sally', state: 'holding' });
      expect(report.hosts[0]).to.deep.include({ host: 'web1', state: 'failed', by: 'sally', text: 'sync failed' });
      expect(report.hosts[1]?.steps[0]?.skipped).to.deep.equal(skipped);
      const text = markdownOf(report);
      expect(text).to.contain('| web1 | sync | 3 | 2030-01-01T00:01:00.000Z | no space left on device |');
      expect(text).to.contain('| web2 | wait | joe | 2030-01-01T00:01:30.000Z | it is known \\| to be slow |');
    } finally {
      site.close();
    }
  });

  it('whatever names and texts say, the Markdown has the same lines and cells, and no sign of theirs is one', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        'a|b',
        '| x |',
        '\n# no',
        '[x](javascript:y)',
        '<img src=x>',
        '`rm`',
        '\u202Eabc',
        'http://x.y',
        '---',
        '![a](b)',
        '\\|',
      ),
    );
    const report = fc.record({
      deployment: hostile,
      description: hostile.filter((text) => words(text) !== '' && text !== ''),
      blueprint: hostile,
      host: hostile,
      text: hostile,
      by: hostile,
    });
    const made = (
      given: Record<'deployment' | 'description' | 'blueprint' | 'host' | 'text' | 'by', string>,
    ): Report => {
      const skipped = { by: given.by, at: '', why: given.text };
      const { name, kind, state, attempts, startedAt, endedAt } = step(given.text, 'failed');
      const told = {
        phase: 'role' as const,
        name,
        kind,
        state,
        attempts,
        startedAt,
        endedAt,
        text: given.text,
        skipped,
      };
      return {
        deployment: given.deployment,
        description: given.description,
        blueprint: given.blueprint,
        run: {
          id: 'r',
          state: 'failed',
          text: `x${given.text}`,
          by: given.by,
          createdAt: '',
          endedAt: null,
          cancel: skipped,
        },
        counts: { failed: 1 },
        hosts: [
          {
            host: given.host,
            role: given.host,
            kind: 'ssh',
            state: 'failed',
            by: given.by,
            at: '',
            text: given.text,
            leftOut: null,
            steps: [told],
          },
        ],
      };
    };
    const plain = markdownOf(
      made({ deployment: 'a', description: 'a', blueprint: 'a', host: 'a', text: 'a', by: 'a' }),
    ).split('\n');
    const bars = (line: string) => line.replaceAll(/\\./g, '').split('|').length;
    fc.assert(
      fc.property(report, (given) => {
        const lines = markdownOf(made(given)).split('\n');
        expect(lines.length).to.equal(plain.length);
        expect(lines.map(bars)).to.deep.equal(plain.map(bars));
        for (const line of lines) {
          const bare = line
            .replaceAll(/\\./g, '')
            .replace(/^#{1,2} /, '')
            .replaceAll('|', '');
          expect(bare).not.to.match(/[`*_[\]<>\\]|:\/\/|[\u202A-\u202E]/);
        }
      }),
      { numRuns: 40 },
    );
  });
});

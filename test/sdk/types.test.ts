import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';

const project = path.join(import.meta.dirname, '../..');

/** Handlers as a plugin author would write them; what is wrong must not compile. */
const GOOD = `
import { defineHook } from '@d3/sdk';
export const gate = defineHook('d3:install:before', async ({ edition, script }, { depot, clock }) => {
  if (script !== null) await depot.blob(script.sha256);
  return { kind: 'refuse', reason: edition + clock.now().toISOString(), evidence: [], cause: 'rule' };
});
export const plan = defineHook('d3:plan', ({ receipts }) => receipts.map(({ basename }) => ({ kind: 'hold', basename, reason: 'later' })));
export const steps = defineHook('d3:steps', () => [{ kind: 'lamp', summary: 'Lights it.', schema: { type: 'object' } }]);
export const step = defineHook('d3:step:run', async ({ kind, args, attempt }, { signal }) => {
  signal.throwIfAborted();
  return kind === 'lamp' ? { handled: true, outcome: 'done', text: String(args['lit']) + attempt } : { handled: false };
});
export const settled = defineHook('d3:step:settled', () => ({ handled: true, settled: false, text: '' }));
export const policy = defineHook('d3:policy', ({ event }) => (event === 'x' ? { handled: true, exit: 3 } : { handled: false }));
export const told = defineHook('d3:edition:live', ({ by }, { ui }) => ui({ type: 'note', target: null, text: by }));
`;

const BAD: Record<string, string> = {
  'a misspelt event': `defineHook('d3:instal:before', () => ({ kind: 'proceed', evidence: [] }));`,
  'a payload that is not there': `defineHook('d3:install:before', ({ versoin }) => ({ kind: 'proceed', evidence: [] }));`,
  'an answer of the wrong kind': `defineHook('d3:install:before', () => ({ kind: 'allow', evidence: [] }));`,
  'an answer without evidence': `defineHook('d3:install:before', () => ({ kind: 'proceed' }));`,
  'a promise where an answer is wanted at once': `defineHook('d3:plan', async () => []);`,
  'a step that ended in a way there is not': `defineHook('d3:step:run', () => ({ handled: true, outcome: 'maybe', text: '' }));`,
  'a step answered for without a word': `defineHook('d3:step:run', () => ({ handled: true }));`,
  'a kind of step without a schema': `defineHook('d3:steps', () => [{ kind: 'x', summary: '' }]);`,
  'an action outside the closed list': `defineHook('d3:plan', () => [{ kind: 'run', basename: 'x', reason: 'y' }]);`,
  'a changed payload': `defineHook('d3:install:before', (payload) => { payload.machine.name = 'x'; payload.environment['X'] = 'y'; return { kind: 'proceed', evidence: [] }; });`,
};

describe('the types of hooks', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(path.join(project, 'test/sdk/tmp-types-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('let good handlers compile, and every wrong one fail', function () {
    this.timeout(60_000);
    writeFileSync(path.join(dir, 'good.ts'), GOOD);
    const names = Object.keys(BAD);
    for (const [at, what] of names.entries()) {
      writeFileSync(
        path.join(dir, `bad-${at}.ts`),
        `import { defineHook } from '@d3/sdk';\nexport default ${BAD[what]}\n`,
      );
    }
    const config = {
      extends: path.join(project, 'tsconfig.base.json'),
      compilerOptions: {
        noEmit: true,
        composite: false,
        declaration: false,
        customConditions: ['d3-source'],
        allowImportingTsExtensions: true,
        rewriteRelativeImportExtensions: false,
        typeRoots: [path.join(project, 'node_modules/@types')],
      },
      include: ['*.ts'],
    };
    writeFileSync(path.join(dir, 'tsconfig.json'), JSON.stringify(config));
    const { stdout } = spawnSync(path.join(project, 'node_modules/.bin/tsc'), ['-p', dir, '--pretty', 'false'], {
      cwd: dir,
      encoding: 'utf8',
    });
    const failed = new Set([...stdout.matchAll(/^(?:.*\/)?([\w-]+)\.ts\(/gm)].map(([, file]) => file));
    expect(
      [...failed].filter((file) => file?.startsWith('bad-') !== true),
      stdout,
    ).to.deep.equal([]);
    for (const [at, what] of names.entries()) expect(failed.has(`bad-${at}`), what).to.equal(true);
  });
});

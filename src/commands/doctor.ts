import { type ContextOf, D3Command, type Outcome } from '../cli/base.ts';
import { kindOf } from '../cli/plugins-text.ts';
import { sessionOf } from '../cli/session.ts';
import type { Examination } from '../startup/doctor.ts';
import type { Terminal } from '../terminal/terminal.ts';

export default class Doctor extends D3Command<Examination, typeof Doctor> {
  static override summary = 'Examine d3 itself: its plugins, their index, its cache, Node.';
  static override description =
    'Every plugin is loaded in a process of its own and given 5 seconds, so that a broken one is found and not run; ' +
    'installed ones are held against the list that pins them, and against what may be installed. ' +
    'Ends with 1 when something is wrong, and says what to do about it.';
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --json'];

  protected async execute({ env, inputs, version }: ContextOf<typeof Doctor>): Promise<Outcome<Examination>> {
    const { examine, problemsOf } = await import('../startup/doctor.ts');
    const installation = sessionOf(this.config).installation ?? { root: this.config.root, code: 'dist' };
    const { standingsHere } = await import('../cli/plugins-here.ts');
    const standings = await standingsHere({ installation, inputs, env, version });
    const result = await examine(installation, version, env, standings);
    const errors = problemsOf(result, installation.root);
    return { result, errors, exit: errors.length === 0 ? 0 : 1 };
  }

  protected render(
    { node, safeMode, plugins, lock, allowList, index, compileCache }: Examination,
    terminal: Terminal,
  ): void {
    const state = (problem: string | null) => (problem === null ? 'good' : 'WRONG');
    terminal.table({
      title: safeMode ? 'd3 in safe mode: no plugins are in use' : 'd3',
      columns: ['What', 'State', 'Version', 'Kind', 'Where'],
      rows: [
        ['Node', state(node.problem), node.version, '', node.file],
        ...plugins.map(({ name, problem, version, type, folder }) => [
          name,
          state(problem),
          version,
          kindOf(type),
          folder,
        ]),
        ['list of plugins', state(lock.problem), '', '', lock.file],
        ['allow list', state(allowList.problem), '', '', 'plugins.allow'],
        ['plugin index', state(index.problem), '', '', index.folder],
        [
          'compile cache',
          state(compileCache.problem),
          '',
          `${Math.ceil(compileCache.bytes / 1024)} KiB`,
          compileCache.folder,
        ],
      ],
      empty: '',
    });
  }
}

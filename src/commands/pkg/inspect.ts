import type { Choice, Component, PackageSummary } from '@d3/flatpkg';
import { Args } from '@oclif/core';
import { type ContextOf, D3Command, type Outcome } from '../../cli/base.ts';
import { packageFields, signatureText } from '../../cli/package-text.ts';
import { listed } from '../../cli/table-text.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class PkgInspect extends D3Command<PackageSummary, typeof PkgInspect> {
  static override summary = 'Show what a package says of itself.';
  static override examples = ['<%= config.bin %> pkg inspect transmogrifier.pkg'];
  static override args = { file: Args.string({ name: 'file', description: 'A package.', required: true }) };
  static override helpSection = 'Packages';

  async execute({ args }: ContextOf<typeof PkgInspect>): Promise<Outcome<PackageSummary>> {
    const { inspectPackage } = await import('../../installers/tools.ts');
    const summary = await inspectPackage(args.file);
    return { result: summary, warnings: summary.warnings };
  }

  render(summary: PackageSummary, terminal: Terminal): void {
    const { format, kind, title, version, restart, architectures, distribution, signature } = summary;
    const blocks = [
      packageFields([
        ['Kind', format === 'bundle' ? 'bundle, zipped' : kind],
        ...(title === null ? [] : ([['Title', title]] as const)),
        ['Version', version ?? 'several'],
        ['Bytes', String(summary.size)],
        ...(summary.tocChecksum === null ? [] : ([['Table of contents', summary.tocChecksum]] as const)),
        ...signatureText(signature),
        ['Restart', restart],
        ['Minimum system', systemsText(summary)],
        ['Processors', architectures === null ? 'any' : listed(architectures)],
        ['Must be closed', listed(summary.mustClose)],
        ['Receipts', listed(summary.receipts)],
        ...(distribution?.choices ?? []).map((choice) => ['Choice', choiceText(choice)] as const),
      ]),
      ...summary.components.map(componentText),
    ];
    terminal.result(blocks.join('\n\n'));
  }
}

function systemsText({ minimumSystemVersion, distribution }: PackageSummary): string {
  const systems = distribution?.systems ?? [];
  const ranges = systems.map(({ min, before }) =>
    [min === null ? '' : `${min} or later`, before === null ? '' : `before ${before}`].filter(Boolean).join(', '),
  );
  const newest = minimumSystemVersion ?? 'any';
  // One open range says no more than its minimum.
  return systems.length > 1 || systems.some(({ before }) => before !== null)
    ? `${newest} (${ranges.join('; or ')})`
    : newest;
}

function choiceText({ id, title, selected, conditional, location }: Choice): string {
  const made = conditional ? 'depends on a script' : selected ? 'made by default' : 'not made by default';
  return `${title ?? id}: ${made}${location === null ? '' : `, goes to ${location}`}`;
}

function payloadText({ hasPayload, installKBytes }: Component): string {
  if (!hasPayload) return 'none';
  return installKBytes === null ? 'of undeclared size' : `${installKBytes} kB as declared`;
}

function componentText(component: Component): string {
  const { bundles, relocate } = component;
  return packageFields([
    ['Identifier', component.identifier],
    ['Version', component.version],
    ['Installs into', `${component.installLocation}${component.selected ? '' : ' (only when chosen)'}`],
    ['Restart', component.restart],
    ['Scripts', listed(component.scripts)],
    ['Payload', payloadText(component)],
    ['Minimum system', component.minimumSystemVersion ?? 'any'],
    ...bundles.map(({ id, path, shortVersion, version }) => {
      const versions = [shortVersion, version].filter((text) => text !== null);
      return ['Bundle', `${id ?? 'without id'} ${[...new Set(versions)].join(' / ')} at ${path ?? '?'}`] as const;
    }),
    ...(relocate.length === 0 ? [] : [['May be moved', listed(relocate)] as const]),
  ]);
}

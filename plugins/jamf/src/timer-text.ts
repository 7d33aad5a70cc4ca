/** What stands of the timer; a type, so that it is JSON. */
export type Laid = { files: string[]; installed: boolean; active: boolean | null; dryRun: boolean };

export function laidText({ files, installed, active, dryRun }: Laid): string {
  if (files.length === 0) return 'There is no timer.';
  const state = dryRun ? 'Nothing was changed. It would be about' : installed ? 'Laid down' : 'Taken away';
  const idle = installed && active === false ? ', but not active' : '';
  return [`${state}${idle}:`, ...files.map((file) => `  ${file}`)].join('\n');
}

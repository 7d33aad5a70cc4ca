import { leaveInterrupts } from '../platform/foreground.ts';

/**
 * Shows a long text in `less`, with its keys in the last line.
 * @returns false when there is no pager to show it with; the caller prints it then
 */
export async function page(text: string, env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  const { spawn } = await import('node:child_process');
  return new Promise((resolve) => {
    const child = spawn('less', ['-F', '-X', '-P', 'sspace\\: next page   b\\: back   /\\: search   q\\: quit'], {
      stdio: ['pipe', 'inherit', 'inherit'],
      // d3 often runs as root: less must not offer a shell, an editor or other files.
      env: { PATH: env['PATH'], TERM: env['TERM'], LANG: env['LANG'], LC_ALL: env['LC_ALL'], LESSSECURE: '1' },
    });
    const again = leaveInterrupts();
    // The command is over, only its text is left to read.
    const over = (shown: boolean): void => {
      again();
      resolve(shown);
    };
    child.once('error', () => over(false));
    child.once('close', () => over(true));
    // Left early, less closes its end; that is no error.
    child.stdin.on('error', () => {});
    child.stdin.end(text);
  });
}

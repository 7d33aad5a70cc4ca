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
    // While less has the terminal, ctrl-c is its own business: the command is over, only its text is left to read.
    const listeners = process.rawListeners('SIGINT') as (() => void)[];
    process.removeAllListeners('SIGINT');
    const ignore = (): void => {};
    process.on('SIGINT', ignore);
    const over = (shown: boolean): void => {
      process.removeListener('SIGINT', ignore);
      for (const listener of listeners) process.on('SIGINT', listener);
      resolve(shown);
    };
    child.once('error', () => over(false));
    child.once('close', () => over(true));
    // Left early, less closes its end; that is no error.
    child.stdin.on('error', () => {});
    child.stdin.end(text);
  });
}

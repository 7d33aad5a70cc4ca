/**
 * While another program has the terminal, ctrl-c is its own business.
 * @returns to be called when it is over
 */
export function leaveInterrupts(): () => void {
  const listeners = process.rawListeners('SIGINT') as (() => void)[];
  process.removeAllListeners('SIGINT');
  const ignore = (): void => {};
  process.on('SIGINT', ignore);
  return () => {
    process.removeListener('SIGINT', ignore);
    for (const listener of listeners) process.on('SIGINT', listener);
  };
}

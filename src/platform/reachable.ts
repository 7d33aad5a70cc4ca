import { connect } from 'node:net';

/** Whether somebody takes a connection there. @param limit milliseconds @returns why not, or null */
export function whyUnreachable({ host, port }: { host: string; port: number }, limit: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (why: string | null) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(why);
    };
    const timer = setTimeout(() => done(`no answer within ${limit / 1000} s`), limit);
    socket.once('connect', () => done(null));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}

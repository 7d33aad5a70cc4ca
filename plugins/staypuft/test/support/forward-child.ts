import { connect, createServer } from 'node:net';

/** Has a socket of this machine answer in another network: `SOCKET PORT`. It says when it is up. */
const [socket = '', port = ''] = process.argv.slice(2);
createServer((client) => {
  const server = connect(socket);
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.pipe(other);
    one.on('error', () => other.destroy());
  }
}).listen(Number(port), '0.0.0.0', () => process.stdout.write('up\n'));

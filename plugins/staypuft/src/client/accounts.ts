import { D3Error, type FilesPort } from '@d3/sdk';

const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Home of an account, absolute within the root.
 * @throws D3Error notFound `ACCOUNT_ABSENT`
 */
export async function homeOf(files: FilesPort, user: string): Promise<string> {
  const passwd = await files.read('/etc/passwd', MOST_BYTES);
  for (const line of (passwd?.bytes.toString('utf8') ?? '').split('\n')) {
    const [name, , , , , home = ''] = line.split(':');
    if (name === user && home.startsWith('/')) return home.replace(/\/+$/, '') || '/';
  }
  if (user === 'root') return '/root';
  throw new D3Error('ACCOUNT_ABSENT', 'notFound', `There is no account ${user} on this machine.`, {
    target: user,
    actions: ['make it, or name another one: d3 proxy answers NAME --user NAME'],
  });
}

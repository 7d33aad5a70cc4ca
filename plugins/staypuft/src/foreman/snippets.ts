import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { D3Error } from '@d3/sdk';

export const SNIPPETS = ['kickstart', 'preseed'] as const;
export type SnippetKind = (typeof SNIPPETS)[number];

/** What goes into a provision template; a type, so that it is JSON. */
export type Snippet = { kind: SnippetKind; name: string; where: string; text: string };

const WHERE: Readonly<Record<SnippetKind, string>> = {
  kickstart: 'in the last %post of the kickstart template: <%= snippet("d3_kickstart") %>',
  preseed: 'at the end of the finish template of the preseed: <%= snippet("d3_preseed") %>',
};

/** A public key in one line; it goes into a file that a shell writes. */
const KEY = /^(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*(?: [A-Za-z0-9@._+:-]*)?$/;
const USER = /^[A-Za-z_][A-Za-z0-9._-]{0,63}$/;

/**
 * What keeps the agent off on a machine that is installed, and lets d3 in.
 * @param keys public keys of proxies, `type base64 comment`
 * @param user whom they let in
 */
export async function snippets(
  kinds: readonly SnippetKind[],
  keys: readonly string[],
  user: string,
): Promise<Snippet[]> {
  const bad = keys.find((one) => !KEY.test(one.trim()));
  if (keys.length === 0 || bad !== undefined || !USER.test(user))
    throw new D3Error(
      'NO_PROXY_KEY',
      'usage',
      keys.length === 0
        ? 'There is no public key to let in'
        : bad === undefined
          ? `"${user}" is no user`
          : 'What is there is no public key',
      { target: '--proxy', actions: ['Make one: d3 proxy key NAME', 'Or name a file with it: --key-file FILE'] },
    );
  return Promise.all(
    kinds.map(async (kind) => {
      const file = path.join(import.meta.dirname, `../../snippets/${kind}.sh`);
      const text = await readFile(file, 'utf8');
      return {
        kind,
        name: `d3_${kind}`,
        where: WHERE[kind],
        text: text.replaceAll('@USER@', user).replaceAll('@KEYS@', keys.map((one) => one.trim()).join('\n')),
      };
    }),
  );
}

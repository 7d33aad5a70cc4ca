/** Makes the page of a served depot: one script, one style sheet and what shows them, each with its hash in its name. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';

const SOURCES = 'src/depot/page';

/** @returns names and contents of its files */
export async function makePage(root: string): Promise<[name: string, body: Uint8Array][]> {
  const source = (name: string) => readFileSync(path.join(root, SOURCES, name));
  const [style, script] = [minified(source('page.css').toString()), await bundled(root)];
  const icon = source('icon.svg');
  const names = {
    'page.css': hashed('page', 'css', style),
    'page.js': hashed('page', 'js', script),
    'icon.svg': hashed('icon', 'svg', icon),
  };
  let index = source('index.html').toString();
  for (const [plain, name] of Object.entries(names)) index = index.replaceAll(`page/${plain}`, `page/${name}`);
  return [
    ['index.html', Buffer.from(index)],
    [names['page.css'], style],
    [names['page.js'], script],
    [names['icon.svg'], icon],
    ['LICENSE-preact', readFileSync(path.join(root, 'node_modules/preact/LICENSE'))],
  ];
}

/** Writes them for users. @param to their folder; what is in it goes */
export async function writePage(root: string, to: string): Promise<void> {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  for (const [name, body] of await makePage(root)) writeFileSync(path.join(to, name), body);
}

async function bundled(root: string): Promise<Buffer> {
  const built = await rolldown({
    cwd: root,
    input: `${SOURCES}/main.tsx`,
    platform: 'browser',
    transform: { jsx: { runtime: 'automatic' }, target: 'es2022' },
    logLevel: 'warn',
  });
  const { output } = await built.generate({ format: 'iife', minify: true });
  await built.close();
  const [{ code }] = output;
  return Buffer.from(code);
}

/** Comments and indents are for those who write it. */
function minified(css: string): Buffer {
  return Buffer.from(
    css
      .replaceAll(/\/\*[\s\S]*?\*\//g, '')
      .replaceAll(/\n\s+/g, '\n')
      .replaceAll(/\n+/g, '\n'),
  );
}

function hashed(name: string, extension: string, body: Buffer): string {
  return `${name}-${createHash('sha256').update(body).digest('hex').slice(0, 16)}.${extension}`;
}

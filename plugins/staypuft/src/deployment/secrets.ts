import { D3Error, type PluginContext } from '@d3/sdk';
import type { SecretPlace } from '../rules/parameters.ts';

const BYTES = 65_536;
const COMMAND = 30_000;

/** What is kept at a place on the controller: a file that only its owner reads, or what a command prints. */
export async function secretAt(
  place: SecretPlace,
  name: string,
  { files, programs, signal }: Pick<PluginContext, 'files' | 'programs' | 'signal'>,
): Promise<string> {
  if ('file' in place) {
    const found = await files.read(place.file, BYTES);
    if (found === null) throw unreadable(name, place.file, 'there is no such file, or it is a link or too large');
    if ((found.mode & 0o077) !== 0) throw unreadable(name, place.file, 'others than its owner may read it');
    if (found.uid !== 0 && found.uid !== process.getuid?.())
      throw unreadable(name, place.file, 'it belongs to somebody else');
    return withoutEnd(found.bytes.toString('utf8'));
  }
  const { code, stdout } = await programs.run({ program: place.command, args: [], timeout: COMMAND, signal });
  if (code !== 0) throw unreadable(name, place.command, `it ended with ${code ?? 'a signal'}`);
  return withoutEnd(stdout);
}

function withoutEnd(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

function unreadable(name: string, place: string, why: string): D3Error {
  return new D3Error('SECRET_UNREADABLE', 'refused', `The secret ${name} cannot be had from ${place}: ${why}.`, {
    target: name,
    actions: ['mend that on the controller, then: d3 deployment retry NAME'],
  });
}

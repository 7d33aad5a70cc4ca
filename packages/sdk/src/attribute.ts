import { D3Error } from './errors.ts';

/** What another inventory's extension attribute reads: one element, with JSON or with `ERROR:` and the reason. */
export function attributeElement(attribute: unknown, error: string | null): string {
  return `<result>${error === null ? jsonInElement(attribute) : inElement(`ERROR: ${error}`)}</result>`;
}

/** Why there is nothing to tell: what d3 has no name for is a bug of it. */
export function attributeError(error: unknown): D3Error {
  if (error instanceof D3Error) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new D3Error('ATTRIBUTE_FAILED', 'bug', message, { cause: error });
}

/** JSON that is the same JSON to whoever reads the element as XML and to whoever only cuts the tags off. */
function jsonInElement(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u007f-\u009f\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function inElement(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

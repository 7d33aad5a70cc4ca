import { SaxesParser } from 'saxes';
import { damaged, FlatpkgError, printable, unsupported } from './errors.ts';
import { decodeUtf8 } from './names.ts';

/** One element: attributes without namespaces, child elements in order, and all its own text joined. */
export interface XmlElement {
  name: string;
  attributes: ReadonlyMap<string, string>;
  children: XmlElement[];
  text: string;
}

export interface XmlLimits {
  depth: number;
  nodes: number;
  /** Whether a document type declaration may pass that only names a definition elsewhere. It is never fetched. */
  externalDoctype?: boolean;
}

export const DEFAULT_XML_LIMITS: XmlLimits = { depth: 100, nodes: 400_000 };

// A name and where its definition is said to be: nothing that declares anything itself.
const EXTERNAL_DOCTYPE = /^\s+[\w.:-]+\s+(?:SYSTEM|PUBLIC\s+(?:"[^"[\]]*"|'[^'[\]]*'))\s+(?:"[^"[\]]*"|'[^'[\]]*')\s*$/;

/** Characters given to the parser at a time. */
const PIECE = 64 * 1024;
/** Longest text, comment or tag, in characters: the parser needs many times the memory of one it has not seen the end of. */
const LONGEST = 1024 * 1024;

/**
 * Reads a whole XML document strictly: UTF-8 only, well formed, no document type (but see `externalDoctype`), no
 * entities but the five built in, nesting and numbers of elements and attributes bounded. The caller bounds the size
 * in bytes.
 * `member` names the document in errors. Throws FlatpkgError `damaged` (or `unsupported` for another encoding).
 */
export function readXml(bytes: Uint8Array, member: string, limits: XmlLimits = DEFAULT_XML_LIMITS): XmlElement {
  const source = decodeUtf8(bytes);
  if (source === null) throw notUtf8(bytes, member);
  let root: XmlElement | null = null;
  const open: XmlElement[] = [];
  let nodes = 0;
  let attributes = 0;
  // Characters since something last came to its end, to the next piece.
  let unfinished = 0;
  const parser = new SaxesParser({ position: false });

  parser.on('error', (error) => {
    throw damaged('XML', `not well formed: ${printable(error.message)}`, member);
  });
  parser.on('xmldecl', (declaration) => {
    unfinished = 0;
    const encoding = declaration.encoding?.toLowerCase() ?? 'utf-8';
    if (encoding !== 'utf-8' && encoding !== 'us-ascii') {
      throw unsupported('XML_ENCODING', `XML in the encoding "${printable(encoding)}" is not read here`, member);
    }
  });
  parser.on('doctype', (text) => {
    if (limits.externalDoctype === true && EXTERNAL_DOCTYPE.test(text)) return;
    throw damaged('XML_DOCTYPE', 'has a document type declaration, which no package needs', member);
  });
  // Before the element itself is there: all of its attributes could be too many to be held.
  parser.on('attribute', () => {
    attributes += 1;
    if (attributes > limits.nodes) throw damaged('XML_NODES', `has more than ${limits.nodes} attributes`, member);
  });
  parser.on('opentag', (tag) => {
    unfinished = 0;
    nodes += 1;
    if (nodes > limits.nodes) throw damaged('XML_NODES', `has more than ${limits.nodes} elements`, member);
    if (open.length >= limits.depth) throw damaged('XML_DEPTH', `is nested deeper than ${limits.depth}`, member);
    const element: XmlElement = {
      name: tag.name,
      attributes: new Map(Object.entries(tag.attributes).map(([name, value]) => [name, inOnePiece(value)])),
      children: [],
      text: '',
    };
    const parent = open.at(-1);
    if (parent === undefined) root = element;
    else parent.children.push(element);
    open.push(element);
  });
  const addText = (text: string) => {
    unfinished = 0;
    const element = open.at(-1);
    if (element !== undefined) element.text += inOnePiece(text);
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    unfinished = 0;
    open.pop();
  });
  const skip = () => {
    unfinished = 0;
  };
  parser.on('comment', skip);
  parser.on('processinginstruction', skip);

  try {
    // Some writers put blank lines before the document.
    const text = source.replace(/^\uFEFF?\s+/u, '');
    for (let at = 0; at < text.length; at += PIECE) {
      parser.write(text.slice(at, at + PIECE));
      unfinished += PIECE;
      if (unfinished > LONGEST) {
        throw damaged('XML_LENGTH', `has a text, comment or tag of more than ${LONGEST} characters`, member);
      }
    }
    parser.close();
  } catch (error) {
    if (error instanceof FlatpkgError) throw error;
    throw damaged('XML', `not well formed: ${printable(String(error))}`, member);
  }
  if (root === null) throw damaged('XML', 'has no root element', member);
  return root;
}

/** The parser joins texts character by character, and what it hands out still hangs together from all of those. */
function inOnePiece(text: string): string {
  return text.length > 12 ? Buffer.from(text).toString() : text;
}

/** Another encoding that says its name is one we do not read, not damage. */
function notUtf8(bytes: Uint8Array, member: string): FlatpkgError {
  const start = Buffer.from(bytes.subarray(0, 200)).toString('latin1');
  const utf16 = start.startsWith('\xfe\xff') || start.startsWith('\xff\xfe');
  const declared = utf16 ? 'UTF-16' : (/^\s*<\?xml[^>]*\bencoding=["']([\w.-]+)/.exec(start)?.[1] ?? 'UTF-8');
  if (/^utf-?8$/i.test(declared)) return damaged('XML_ENCODING', 'is not valid UTF-8', member);
  return unsupported('XML_ENCODING', `XML in the encoding "${declared}" is not read here`, member);
}

/**
 * The only child of that name; null when there is none. Two that differ are refused, because readers would disagree
 * which counts; Apple's own signing tool repeats simple elements word for word, and that is let pass.
 */
export function onlyChild(parent: XmlElement, name: string, member: string): XmlElement | null {
  let found: XmlElement | null = null;
  for (const child of parent.children) {
    if (child.name !== name) continue;
    if (found !== null && !isRepetition(found, child)) {
      throw damaged('XML_TWICE', `has two "${name}" elements in one "${parent.name}"`, member);
    }
    found = child;
  }
  return found;
}

function isRepetition(a: XmlElement, b: XmlElement): boolean {
  if (a.children.length > 0 || b.children.length > 0 || a.text !== b.text) return false;
  if (a.name === 'toc' || a.attributes.size !== b.attributes.size) return false;
  return [...a.attributes].every(([name, value]) => b.attributes.get(name) === value);
}

/** Text as XML content or attribute value. Throws a RangeError for characters XML cannot hold. */
export function escapeXml(text: string): string {
  if (/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(text)) {
    throw new RangeError('the text has characters that XML cannot hold');
  }
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"\t\n\r]/g, (character) => names[character] ?? `&#${character.charCodeAt(0)};`);
}

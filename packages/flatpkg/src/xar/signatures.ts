import { damaged } from '../errors.ts';
import { onlyChild, type XmlElement } from '../xml.ts';

/** A signature as the table of contents announces it. Nothing of it is verified. */
export interface XarSignature {
  /** `RSA`, `CMS`, … as written. */
  style: string;
  /** DER, the signer's own first. */
  certificates: Buffer[];
  /** Where its bytes lie in the heap, and how many. */
  offset: number;
  length: number;
}

// Apple's tools write two signatures with a chain of three or four.
const MAX_SIGNATURES = 10;
const MAX_CERTIFICATES = 20;
/** Longest text of a certificate, in characters. */
const MAX_CERTIFICATE = 64 * 1024;
const TOC = 'table of contents';

/** The signatures a table of contents names; `numberIn` reads an element of bytes. */
export function readSignatures(
  toc: XmlElement,
  numberIn: (parent: XmlElement, name: string, path: string) => number,
): XarSignature[] {
  const signatures = toc.children.filter(({ name }) => name === 'signature' || name === 'x-signature');
  if (signatures.length > MAX_SIGNATURES) {
    throw damaged('XAR_SIGNATURE', `names more than ${MAX_SIGNATURES} signatures`, TOC);
  }
  return signatures.map((element) => ({
    style: element.attributes.get('style') ?? '',
    certificates: certificatesIn(element),
    ...placeOf(element, numberIn),
  }));
}

/** One without a place takes none: there is nothing to verify. */
function placeOf(
  element: XmlElement,
  numberIn: (parent: XmlElement, name: string, path: string) => number,
): { offset: number; length: number } {
  if (onlyChild(element, 'offset', TOC) === null) return { offset: 0, length: 0 };
  return { offset: numberIn(element, 'offset', TOC), length: numberIn(element, 'size', TOC) };
}

function certificatesIn(signature: XmlElement): Buffer[] {
  const info = onlyChild(signature, 'KeyInfo', TOC);
  const data = info === null ? null : onlyChild(info, 'X509Data', TOC);
  if (data === null) return [];
  const certificates = data.children.filter(({ name }) => name === 'X509Certificate');
  if (certificates.length > MAX_CERTIFICATES) {
    throw damaged('XAR_SIGNATURE', `a signature names more than ${MAX_CERTIFICATES} certificates`, TOC);
  }
  if (certificates.some(({ text }) => text.length > MAX_CERTIFICATE)) {
    throw damaged('XAR_SIGNATURE', 'a signature names a certificate of more than 64 kB', TOC);
  }
  return certificates.map(({ text }) => Buffer.from(text, 'base64'));
}

import { D3Error, type DepotDocument, type DocumentBody, type DocumentsPort } from '@d3/sdk';

/** A document of one kind. */
export interface Kept<Body extends DocumentBody> extends Omit<DepotDocument, 'body'> {
  body: Body;
}

/**
 * Changes a document as it is at this moment; where somebody was faster, the change is made again on what they wrote.
 * @param name in any case
 * @param change what it becomes; the very same when nothing has to be written. What it throws ends all.
 * @param tries how often it is made at most
 * @returns as it is then; null where there is none
 */
export async function changeDocument<Body extends DocumentBody>(
  documents: DocumentsPort,
  name: string,
  change: (body: Body) => Body,
  tries = 20,
): Promise<Kept<Body> | null> {
  for (let made = 1; ; made += 1) {
    const found = (await documents.byName(name)) as Kept<Body> | null;
    if (found === null) return null;
    const body = change(found.body);
    if (body === found.body) return found;
    try {
      return (await documents.update(found.id, found.generation, { body })) as Kept<Body>;
    } catch (error) {
      const isOld = error instanceof D3Error && error.code === 'DOCUMENT_CONFLICT';
      if (!isOld || made === tries) throw error;
    }
  }
}

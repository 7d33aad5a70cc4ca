import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** The files of a cloud distribution point, and the addresses they are given out under. */
export class Bucket {
  readonly files = new Map<string, Buffer>();
  /** Bytes after which an answer is cut, the next one first. */
  cuts: number[] = [];
  /** Statuses that are answered in place of a file, the next one first. */
  statuses: number[] = [];
  /** Whether a part can be asked for. */
  ranges = true;
  tags = true;
  /** Milliseconds between pieces, eight to a file; 0: all at once. */
  pace = 0;
  /** What was asked for: the range, and whether a token came along. */
  readonly asked: { name: string; range: string | null; authorization: string | null; status: number }[] = [];
  readonly #signatures = new Map<string, string>();

  /** As the service lists them. */
  list(): { fileName: string; length: number; md5: string; region: string; sha3: string }[] {
    return [...this.files].map(([fileName, content]) => ({
      fileName,
      length: content.length,
      md5: createHash('md5').update(content).digest('hex'),
      region: 'us-east-1',
      sha3: createHash('sha3-512').update(content).digest('hex'),
    }));
  }

  /** An address that is good for one answer. */
  addressOf(fileName: string, origin: string): string {
    const signature = randomUUID();
    this.#signatures.set(signature, fileName);
    return `${origin}/cdn/${encodeURIComponent(fileName)}?Expires=1&Signature=${signature}`;
  }

  async #slowly(response: ServerResponse, content: Buffer): Promise<void> {
    const size = Math.ceil(content.length / 8);
    for (let at = 0; at < content.length; at += size) {
      response.write(content.subarray(at, at + size));
      await sleep(this.pace);
    }
    response.end();
  }

  serve(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const name = decodeURIComponent(url.pathname.slice('/cdn/'.length));
    const { range = null, authorization = null } = request.headers;
    const answer = (status: number, headers: Record<string, string> = {}, content: Buffer = Buffer.alloc(0)) => {
      this.asked.push({ name, range, authorization, status });
      response.writeHead(status, { 'content-length': String(content.length), ...headers });
      const cut = status < 300 ? this.cuts.shift() : undefined;
      if (cut === undefined && this.pace > 0) void this.#slowly(response, content);
      else if (cut === undefined) response.end(content);
      else response.write(content.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
    };
    const signature = url.searchParams.get('Signature') ?? '';
    const signed = this.#signatures.get(signature) === name;
    this.#signatures.delete(signature);
    const content = this.files.get(name);
    const other = this.statuses.shift();
    if (other !== undefined) return answer(other);
    if (!signed || content === undefined) return answer(403);
    const tag = `"${createHash('md5').update(content).digest('hex')}"`;
    const headers = this.tags ? { etag: tag } : {};
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const same = (request.headers['if-range'] ?? tag) === tag;
    if (range === null || !this.ranges || !same) return answer(200, headers, content);
    if (start >= content.length) return answer(416);
    const part = { ...headers, 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
    return answer(206, part, content.subarray(start));
  }
}

import type { FileHandle } from 'node:fs/promises';
import { damaged } from './errors.ts';

/** One member of an `ar` archive: where its bytes are in the file. */
export interface ArMember {
  name: string;
  offset: number;
  size: number;
}

const MAGIC = '!<arch>\n';
const HEADER_BYTES = 60;
const MOST_MEMBERS = 100;
const CHUNK_BYTES = 256 * 1024;

/**
 * Lists the members of an `ar` archive as deb(5) describes it: names of at most 16 bytes, decimal sizes, members at even places.
 * @param target names the file in errors
 * @throws D3Error verificationFailed (33)
 */
export async function arMembers(file: FileHandle, target: string): Promise<ArMember[]> {
  const { size: end } = await file.stat();
  if ((await bytesAt(file, 0, MAGIC.length)).toString('latin1') !== MAGIC) throw damaged(target, 'it is no ar archive');
  const members: ArMember[] = [];
  for (let at = MAGIC.length; at < end; ) {
    const header = (await bytesAt(file, at, HEADER_BYTES)).toString('latin1');
    const fields = /^([^\0/ ][^\0/]{0,15}?)\/? *[\d ]{12}[\d ]{6}[\d ]{6}[\d ]{8}(\d{1,10}) *`\n$/.exec(header);
    if (header.length !== HEADER_BYTES || fields === null || header.slice(48, 58).trim() !== fields[2])
      throw damaged(target, `member ${members.length + 1} has no sound header`);
    const member = { name: (fields[1] as string).trimEnd(), offset: at + HEADER_BYTES, size: Number(fields[2]) };
    if (member.offset + member.size > end) throw damaged(target, `${member.name} ends beyond the file`);
    members.push(member);
    if (members.length > MOST_MEMBERS) throw damaged(target, `it has more than ${MOST_MEMBERS} members`);
    at = member.offset + member.size + (member.size % 2);
  }
  return members;
}

/** The bytes of a member in pieces; each is lent until the next is asked for. */
export async function* arContent(
  file: FileHandle,
  { name, offset, size }: ArMember,
  target: string,
): AsyncGenerator<Buffer, void, undefined> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size));
  for (let done = 0; done < size; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - done), offset + done);
    if (bytesRead === 0) throw damaged(target, `${name} ended while it was read`);
    yield buffer.subarray(0, bytesRead);
    done += bytesRead;
  }
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** A text as every database takes it: PostgreSQL knows no NUL, and neither knows half a character. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}

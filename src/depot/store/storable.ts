/** A text as every database takes it: PostgreSQL knows no NUL, and neither knows half a character. */
export function storable(text: string): string {
  // Nearly all are as they should be: they are looked at, and not made anew.
  if (text.isWellFormed() && !text.includes('\0')) return text;
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}

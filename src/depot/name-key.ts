/** Names differ without regard to case and to how accents are encoded. */
export function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/**
 * Something that takes long to find out, found out once for all who ask at the same time, and kept for a moment.
 * @param milliseconds how long it is kept
 * @param now milliseconds that grow
 */
export function kept<Value>(milliseconds: number, now: () => number, find: () => Promise<Value>): () => Promise<Value> {
  let last: { at: number; value: Promise<Value> } | null = null;
  return () => {
    const at = now();
    if (last !== null && at - last.at >= 0 && at - last.at < milliseconds) return last.value;
    const found = { at, value: find() };
    last = found;
    found.value.catch(() => {
      if (last === found) last = null;
    });
    return found.value;
  };
}

/**
 * What a service says while it works. It says what happens, not how it looks: a renderer turns the same events
 * into lines, a task tree, or nothing.
 *
 * - `begin`: work on a target starts. - `note`: something worth a line happened to it. - `advance`: a measured
 *   part is done (`done` and `total` in `unit`; `total` is null when it is not known). - `end`: it is over.
 */
export type ProgressEvent =
  | { type: 'begin'; target: string; text: string }
  | { type: 'note'; target: string | null; text: string }
  | { type: 'advance'; target: string; done: number; total: number | null; unit: 'bytes' | 'items' | 'percent' }
  | { type: 'end'; target: string; outcome: 'ok' | 'failed' | 'skipped' | 'deferred'; text: string }
  | { type: 'warning'; target: string | null; text: string }
  | { type: 'detail'; target: string | null; text: string };

/** Handed to services; they call it and never print. It never throws. */
export type Reporter = (event: ProgressEvent) => void;

/** For callers who do not want to hear. */
export const silentReporter: Reporter = () => {};

/** What became of policies that the jamf program was told to run, by what it printed. */
export type Verdict =
  /** Jamf Pro has none of that event or id for this Mac. */
  | { state: 'absent'; text: string }
  /** It was not run, or nobody can say that it was. */
  | { state: 'not-run'; text: string }
  | { state: 'failed'; text: string }
  | { state: 'ran'; text: string };

/** How the program ended, and what it printed. */
export interface Said {
  /** Null: it was killed. */
  code: number | null;
  timedOut: boolean;
  /** Both streams. */
  text: string;
}

interface Saying {
  pattern: RegExp;
  /** In d3's words. */
  means: string;
}

/** There is no such policy for this Mac: somebody else may have one. */
const ABSENT: readonly Saying[] = [
  { pattern: /no policies were found for the\b/i, means: 'Jamf Pro has no policy of that for this Mac' },
];

/** Nothing was run. In the order they are looked for: the first that fits is said. */
const NOT_RUN: readonly Saying[] = [
  { pattern: /this policy trigger is already being run/i, means: 'it is being run already' },
  { pattern: /policy is already (?:being )?run(?:ning)?/i, means: 'it is being run already' },
  {
    pattern: /must be run(?:ning)? (?:as|by) (?:the )?root|requires root|as root user/i,
    means: 'it has to run as root',
  },
  { pattern: /device signature error/i, means: 'Jamf Pro does not know this Mac by its signature' },
  { pattern: /could(?:n't| not) connect to (?:the )?(?:jss|server|jamf)/i, means: 'Jamf Pro does not answer' },
  {
    pattern: /connection (?:failure|error|could not be established|refused|timed out)/i,
    means: 'Jamf Pro does not answer',
  },
  {
    pattern: /the (?:jss|server|jamf pro server) is (?:not available|unavailable)/i,
    means: 'Jamf Pro does not answer',
  },
  { pattern: /unknown host|could not resolve host|the host .* is not accessible/i, means: 'Jamf Pro is not found' },
  {
    pattern:
      /(?:not|n't) trust(?:ed)?\b.*(?:certificate|server)|untrusted (?:certificate|server)|certificate .*(?:expired|invalid|not valid)/i,
    means: 'the certificate of Jamf Pro is not trusted',
  },
  { pattern: /(?:not|isn't) in (?:the )?scope|is not scoped/i, means: 'it is not for this Mac' },
  { pattern: /policy .*(?:is|has been) disabled/i, means: 'it is disabled' },
  {
    pattern: /already been (?:executed|run) (?:once|on this computer)/i,
    means: 'it has run on this Mac as often as it may',
  },
  {
    pattern: /^\s*(?:error: )?(?:the verb|unknown verb|.* is not a (?:recognized|valid) verb)/im,
    means: 'this jamf does not know the verb',
  },
  { pattern: /user deferred|deferred (?:by the user|the policy)/i, means: 'the user put it off' },
];

/** A policy was begun. */
const BEGUN = /^\s*(?:executing|running) policy\b/im;

/** Something of it did not do its work. */
const FAILED: readonly Saying[] = [
  { pattern: /script exit code: *(?!0\b)(\d+)/i, means: 'a script of it failed' },
  { pattern: /error running script/i, means: 'a script of it failed' },
  {
    pattern: /installation failed|the install(?:er)? (?:failed|encountered an error)/i,
    means: 'an installer of it failed',
  },
  {
    pattern: /could not (?:mount|download|find) the (?:package|distribution point|file)/i,
    means: 'a package of it could not be had',
  },
  { pattern: /policy error code/i, means: 'Jamf Pro counts it as failed' },
  { pattern: /^\s*(?:there was an )?error\b/im, means: 'it said that something went wrong' },
];

/**
 * Judges what the jamf program printed. What is not known to mean that a policy ran means that none did.
 * @param asked how it is called in what is said: `the event deploy`
 */
export function judge(asked: string, { code, timedOut, text }: Said): Verdict {
  if (BEGUN.test(text)) {
    if (timedOut || code === null) return { state: 'failed', text: `${asked}: jamf was ended before it was done` };
    const failure = FAILED.find(({ pattern }) => pattern.test(text));
    if (failure !== undefined) return { state: 'failed', text: `${asked}: ${failure.means}` };
    if (code !== 0) return { state: 'failed', text: `${asked}: jamf ended with ${code}` };
    return { state: 'ran', text: `${asked}: ${policiesIn(text).join(', ')}` };
  }
  if (timedOut || code === null)
    return { state: 'not-run', text: `${asked}: jamf was ended before it had begun with a policy` };
  const absent = ABSENT.find(({ pattern }) => pattern.test(text));
  if (absent !== undefined) return { state: 'absent', text: `${asked}: ${absent.means}` };
  const known = NOT_RUN.find(({ pattern }) => pattern.test(text));
  return {
    state: 'not-run',
    text: `${asked}: ${known?.means ?? `jamf did not say that it ran one${lastLine(text)}`}`,
  };
}

/** Names of the policies that were begun, in their order. */
function policiesIn(text: string): string[] {
  const names = [...text.matchAll(/^\s*(?:executing|running) policy\s+(.*?)\s*(?:\.\.\.)?\s*$/gim)];
  return [...new Set(names.map(([, name = '']) => clean(name)))];
}

function lastLine(text: string): string {
  const last = text
    .split('\n')
    .map(clean)
    .findLast((line) => line !== '');
  return last === undefined ? '' : `, but: ${last.slice(0, 200)}`;
}

function clean(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ').trim();
}

/** Structured logs: one JSON document a line. Secrets never get that far, and are taken out once more here. */
export function logOptions(write: (line: string) => void, level: string, now: () => Date) {
  return {
    level: level === 'off' ? 'silent' : level,
    stream: { write: (line: string) => write(line.trimEnd()) },
    base: null,
    timestamp: () => `,"time":"${now().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: ['req.headers.authorization', 'headers.authorization', 'authorization', 'secret', 'code', '*.secret'],
    serializers: {
      err: (error: Error) => ({ type: error.name, message: error.message, stack: error.stack }),
    },
  };
}

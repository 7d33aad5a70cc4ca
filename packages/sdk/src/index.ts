export type * from './admin.ts';
export { attributeElement, attributeError } from './attribute.ts';
export type {
  DepotPort,
  ExecPort,
  ExecRequest,
  ExecResult,
  MachinePorts,
  PluginContext,
  StatePort,
  StoredValue,
} from './context.ts';
export type * from './csv.ts';
export { type CsvContent, type CsvRow, type CsvShape, readCsv } from './csv-file.ts';
export type { Envelope, EnvelopeError } from './envelope.ts';
export { D3Error, type D3ErrorOptions, D3Errors } from './errors.ts';
export * from './events.ts';
export { combineExitCodes, EXIT_CODES, type ExitCode, type ExitName } from './exit-codes.ts';
export { defineHook, type Handler } from './hook.ts';
export type * from './ports.ts';
export { Problems, throwProblems } from './problems.ts';
export { type ProgressEvent, type Reporter, silentReporter } from './progress.ts';
export * from './provisioning.ts';
export type * from './questions.ts';
export { launchdJob, systemdCommand, systemdWord } from './unit-files.ts';

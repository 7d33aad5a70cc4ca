import { gunzipSync } from 'node:zlib';
import { parseDocument } from 'yaml';

/** What a run of Puppet did, as its own report says. It is what a host says of itself: everything in it is bounded. */
export interface PuppetReport {
  /** Transaction UUID: another one for every run. */
  transaction: string;
  /** The environment its catalog is of. */
  environment: string;
  status: string;
  /** Nothing was really changed: it only said what it would do. */
  noop: boolean;
  /** Whether the catalog was an old one (`on_failure`, `explicitly_requested`); null: it was asked for, or there was no need to. */
  cached: string | null;
  /** Whether it went through the whole catalog. */
  completed: boolean;
  /** Version of the agent. */
  version: string;
  resources: readonly ReportedResource[];
  logs: readonly ReportedLog[];
}

export interface ReportedResource {
  /** `Service[puppet]` */
  name: string;
  failed: boolean;
  failedToRestart: boolean;
  changed: boolean;
  outOfSync: boolean;
  skipped: boolean;
  tags: readonly string[];
  events: readonly { property: string; wanted: string; status: string; message: string }[];
}

export interface ReportedLog {
  /** `err`, `warning`, `notice`; those above `err` are that, too. */
  level: string;
  /** `/Stage[main]/Main/File[/etc/motd]/ensure`, or `Puppet`. */
  source: string;
  message: string;
}

/** Bytes a report may have unpacked. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Lines, and what stands between commas and brackets. */
const MOST_PIECES = 400_000;
const MOST_ALIASES = 500;
/** No report of Puppet's has lists of lists of lists. */
const DEEP = /[[{]{50}/;
const MOST_RESOURCES = 20_000;
const MOST_LOGS = 5000;
const MOST_OF_ONE = 1000;
const LONGEST = 4000;

/**
 * Reads a report as a host sends it.
 * @param sent gzip, in Base64
 * @returns null for what is no report: cut, too large, made to exhaust whoever reads it
 */
export function reportOfSent(sent: string): PuppetReport | null {
  try {
    return reportOfText(gunzipSync(Buffer.from(sent, 'base64'), { maxOutputLength: MOST_BYTES }).toString('utf8'));
  } catch {
    return null;
  }
}

/**
 * Reads a report as Puppet writes it: YAML with the names of Ruby's classes, which mean nothing here.
 * @returns null for what is no report
 */
export function reportOfText(text: string): PuppetReport | null {
  if (Buffer.byteLength(text) > MOST_BYTES) return null;
  if (DEEP.test(text) || count(text, /[\n,[{]/g) > MOST_PIECES || count(text, /[\s,[{:-]\*[^\s*]/g) > MOST_ALIASES)
    return null;
  try {
    const document = parseDocument(text, { logLevel: 'silent', uniqueKeys: false, merge: false });
    if (document.errors.length > 0) return null;
    return reportOf(document.toJS({ maxAliasCount: 10_000 }));
  } catch {
    // A RangeError for what is nested too deep, a ReferenceError for aliases of aliases.
    return null;
  }
}

/** What is counted makes whoever reads it work. */
function count(text: string, what: RegExp): number {
  let found = 0;
  for (const _ of text.matchAll(what)) found += 1;
  return found;
}

function reportOf(data: unknown): PuppetReport | null {
  const report = objectOf(data);
  const transaction = textOf(report['transaction_uuid']);
  if (transaction === '' || textOf(report['status']) === '') return null;
  const cached = textOf(report['cached_catalog_status']);
  return {
    transaction,
    environment: textOf(report['environment']),
    status: textOf(report['status']),
    noop: report['noop'] === true,
    cached: cached === '' || cached === 'not_used' ? null : cached,
    completed: report['transaction_completed'] !== false,
    version: textOf(report['puppet_version']),
    resources: Object.entries(objectOf(report['resource_statuses'])).slice(0, MOST_RESOURCES).map(resourceOf),
    logs: listOf(report['logs'], MOST_LOGS).map(logOf),
  };
}

function resourceOf([name, data]: [string, unknown]): ReportedResource {
  const status = objectOf(data);
  return {
    name: textOf(name),
    failed: status['failed'] === true,
    failedToRestart: status['failed_to_restart'] === true,
    changed: status['changed'] === true,
    outOfSync: status['out_of_sync'] === true,
    skipped: status['skipped'] === true,
    tags: listOf(status['tags']).map(textOf),
    events: listOf(status['events']).map((one) => {
      const event = objectOf(one);
      return {
        property: textOf(event['property']),
        wanted: textOf(event['desired_value']),
        status: textOf(event['status']),
        message: textOf(event['message']),
      };
    }),
  };
}

const ABOVE_ERRORS = ['alert', 'emerg', 'crit'];

function logOf(data: unknown): ReportedLog {
  const log = objectOf(data);
  const level = textOf(log['level']);
  return {
    level: ABOVE_ERRORS.includes(level) ? 'err' : level,
    source: textOf(log['source']),
    message: textOf(log['message']),
  };
}

function objectOf(data: unknown): Record<string, unknown> {
  return data !== null && typeof data === 'object' && !Array.isArray(data) ? (data as Record<string, unknown>) : {};
}

function listOf(data: unknown, most = MOST_OF_ONE): unknown[] {
  return Array.isArray(data) ? data.slice(0, most) : [];
}

/** Ruby's symbols are written with a colon in older reports. */
function textOf(data: unknown): string {
  if (typeof data === 'string')
    return (data.length > LONGEST ? data.slice(0, LONGEST) : data).replace(/^:(?=[a-z_]+$)/, '');
  return typeof data === 'number' || typeof data === 'boolean' ? String(data) : '';
}

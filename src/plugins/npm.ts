import { D3Error } from '@d3/sdk';
import type { RunProgram } from '../platform/program.ts';

/** Whoever does not answer within this time is not there, milliseconds. */
export const ANSWER_LIMIT = 3000;
/** A download that stands still for this long has failed, milliseconds. */
const IDLE_LIMIT = 30_000;
/** The whole of one step, milliseconds. */
const STEP_LIMIT = 600_000;

/** The npm that comes with d3. */
export interface Npm {
  /** What it prints as JSON. @throws D3Error `NPM_FAILED` and what {@link failureOf} tells apart */
  ask(args: readonly string[], how: NpmCall): Promise<unknown>;
}

interface NpmCall {
  /** Folder it works in; no configuration is looked for above it. */
  at: string;
  /** Who it is for, in errors. */
  target: string;
  /** `answer`: whether the registry is there has to be known within seconds; `work`: downloads and installs. */
  patience: 'answer' | 'work';
  flags?: readonly string[];
  signal: AbortSignal;
}

export interface NpmPlace {
  node: string;
  /** npm's own program. */
  program: string;
  /** Folder of what it has fetched; null: in the folder it works in. */
  cache: string | null;
  /** Instead of npm's own. */
  registry: string | null;
  environment: Readonly<Record<string, string>>;
}

/**
 * Nothing of what npm fetches may run: a plugin's install scripts would run with the rights of whoever installs, root as a rule.
 * In the environment as well, for whatever npm starts that is npm again.
 */
const NO_SCRIPTS = { npm_config_ignore_scripts: 'true' };
/**
 * What a package depends on comes from the registry. A repository among it would bring an .npmrc of its own to the npm that
 * prepares it, and that names programs; only what was asked for may be a file, a folder or an address.
 */
const ONLY_PACKAGES = ['--allow-remote=root', '--allow-file=root', '--allow-directory=root'];

export function npmAt({ node, program, cache, registry, environment }: NpmPlace, run: RunProgram): Npm {
  return {
    async ask(args, { at, target, patience, flags = [], signal }) {
      const quick = patience === 'answer';
      const [verb = '', ...rest] = args;
      const common = [
        `--prefix=${at}`,
        `--pack-destination=${at}`,
        // Where nobody answers npm gives what it had before, as if it were asked for now: such a question has nothing before.
        `--cache=${quick || cache === null ? `${at}/npm-cache` : cache}`,
        ...(registry === null ? [] : [`--registry=${registry}`]),
        '--location=project',
        '--ignore-scripts',
        '--allow-git=none',
        ...(verb === 'install' ? ONLY_PACKAGES : []),
        '--json',
        '--no-audit',
        '--no-fund',
        '--no-update-notifier',
        '--no-progress',
        '--no-workspaces',
        '--logs-max=0',
        '--loglevel=error',
        `--fetch-retries=${quick ? 0 : 2}`,
        '--fetch-retry-mintimeout=500',
        '--fetch-retry-maxtimeout=2000',
        `--fetch-timeout=${quick ? ANSWER_LIMIT : IDLE_LIMIT}`,
      ];
      const answer = await run({
        program: node,
        args: [program, verb, ...common, ...flags, '--', ...rest],
        environment: { ...environment, ...NO_SCRIPTS },
        // It has to start as well, and does so slowly where much else goes on.
        timeout: quick ? ANSWER_LIMIT + 10_000 : STEP_LIMIT,
        signal,
      });
      signal.throwIfAborted();
      if (answer.code === 0) return parsed(answer.stdout);
      throw npmFailure(answer.timedOut ? { code: 'ETIMEDOUT' } : problemIn(answer), target, registry);
    },
  };
}

function parsed(text: string): unknown {
  try {
    return text.trim() === '' ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

interface NpmProblem {
  code?: string;
  summary?: string;
}

/** With --json npm tells what went wrong on stdout. */
function problemIn({ stdout, lastLines }: { stdout: string; lastLines: readonly string[] }): NpmProblem {
  const { error } = (parsed(stdout) ?? {}) as { error?: NpmProblem };
  if (error?.code !== undefined) return error;
  const code = lastLines.map((line) => /^npm error code (\S+)/.exec(line)?.[1]).find((found) => found !== undefined);
  return { ...(code === undefined ? {} : { code }), summary: lastLines.at(-1) ?? 'it said nothing' };
}

const UNREACHABLE =
  /^(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EPIPE|ENETDOWN|EIDLETIMEOUT|ECONNECTIONTIMEOUT|ERESPONSETIMEOUT|ETRANSFERTIMEOUT|ERR_SOCKET_TIMEOUT|FETCH_ERROR|ENOTCACHED|EINVALIDPROXY|request-timeout|E50\d|E429)$/;

/** An error of npm as one of d3. */
function npmFailure({ code = '', summary = '' }: NpmProblem, target: string, registry: string | null): D3Error {
  const said = summary.split('\n')[0]?.replace(/\.$/, '') ?? '';
  const where = registry ?? 'the npm registry';
  if (code === 'E404' || code === 'ETARGET' || code === 'ENOVERSIONS') {
    return new D3Error('PLUGIN_NOT_FOUND', 'notFound', `${where} has no ${target}.`, {
      target,
      actions: ['Look at how it is written, and at its version.'],
    });
  }
  if (code === 'E401' || code === 'E403' || code === 'ENEEDAUTH') {
    return new D3Error(
      'REGISTRY_DENIED',
      'notAuthorised',
      `${where} does not give ${target} to you: ${said || code}.`,
      {
        target,
        actions: ['Give npm a token for it, in the .npmrc of the account that runs d3.'],
      },
    );
  }
  if (code === 'EINTEGRITY') {
    return new D3Error(
      'PLUGIN_ALTERED',
      'verificationFailed',
      `${target} is not what ${where} said it would be: ${said}.`,
      {
        target,
        actions: ['Nothing was changed. Find out who altered it before you try again.'],
      },
    );
  }
  if (UNREACHABLE.test(code) || /network|timeout/i.test(said)) return unreachable(where, code || said, target);
  return new D3Error('NPM_FAILED', 'failed', `npm could not do it for ${target}: ${said || code}.`, { target });
}

export function unreachable(where: string, why: string, target: string): D3Error {
  return new D3Error('REGISTRY_UNREACHABLE', 'depotUnreachable', `${where} cannot be reached for ${target}: ${why}.`, {
    target,
    actions: ['Nothing was changed. Look at the network, or install the plugin from a .tgz that has all it needs.'],
  });
}

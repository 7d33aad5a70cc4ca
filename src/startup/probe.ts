import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ModuleLoader, Plugin, settings } from '@oclif/core';
import type { Installation } from './installation.ts';
import { fromSources } from './own-plugins.ts';
import { type PluginRecord, recordOf } from './plugin-record.ts';
import { shareModules } from './shared-modules.ts';

/**
 * A process of its own that loads one plugin with oclif's own loader, so that one that throws, exits or never comes
 * to an end harms nobody. It gets a {@link ProbeRequest} as its argument and answers with a {@link ProbeAnswer}.
 */

export interface ProbeRequest {
  installation: Installation;
  name: string;
  /** For oclif: the plugin's folder when it is linked, else a file beside the `node_modules` it lies in. */
  root: string;
  type: string;
  tag: string | null;
  url: string | null;
  /** `index` asks for its record; `load` also imports everything it has, which an index may not need. */
  purpose: 'index' | 'load';
}

export interface ProbeAnswer {
  /** Null when the plugin cannot be loaded at all. */
  record: PluginRecord | null;
  problems: string[];
}

/** Milliseconds in which what a plugin starts while it is imported can still go wrong. */
const AFTERMATH = 100;

async function probe(request: ProbeRequest): Promise<void> {
  const problems: string[] = [];
  let record: PluginRecord | null = null;
  // Whatever happens, the answer goes out once.
  const answer = () => {
    process.send?.({ record, problems } satisfies ProbeAnswer, () => process.exit(0));
  };
  process.on('uncaughtException', (error: unknown) => {
    problems.push(wordsOf(error));
    answer();
  });
  // oclif tells of a command it cannot load by a warning, and goes on without it.
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') problems.push(warningText(warning));
  });
  settings.enableAutoTranspile = false;
  shareModules(request.installation);
  const plugin = pluginOf(request);
  await plugin.load();
  record = recordOf(plugin);
  if (request.purpose === 'load') problems.push(...(await importHooks(plugin)));
  setTimeout(answer, AFTERMATH);
}

function pluginOf({ installation, name, root, type, tag, url, purpose }: ProbeRequest): Plugin {
  const all = { name, tag: tag ?? undefined, url: url ?? undefined, ignoreManifest: purpose === 'load' };
  if (type !== 'core') return new Plugin({ ...all, root, type });
  const pjson = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Plugin['pjson'];
  const oclif = installation.code === 'sources' ? fromSources(pjson) : pjson;
  return new Plugin({ ...all, root, type: 'link', pjson: oclif });
}

async function importHooks(plugin: Plugin): Promise<string[]> {
  const problems: string[] = [];
  for (const [event, hooks] of Object.entries(plugin.hooks)) {
    for (const { target } of hooks) {
      try {
        await ModuleLoader.load(plugin, path.join(plugin.root, target));
      } catch (error) {
        problems.push(`its hook ${event}: ${wordsOf(error)}`);
      }
    }
  }
  return problems;
}

/** oclif puts what happened into the details. */
function warningText(warning: Error & { detail?: string }): string {
  const detail = (key: RegExp) => key.exec(warning.detail ?? '')?.[1];
  const command = detail(/^task: findCommand \((.+)\)$/m);
  const message = detail(/^message: (.+)$/m) ?? wordsOf(warning);
  return command === undefined ? message : `its command ${command.replaceAll(':', ' ')}: ${message}`;
}

function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  return message.split('\n', 1)[0] as string;
}

// What rejects here arrives at the handler of uncaught exceptions.
void probe(JSON.parse(process.argv[2] as string) as ProbeRequest);

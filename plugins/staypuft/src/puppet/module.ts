import { readFileSync } from 'node:fs';

/** The module that comes with d3 (`puppet/d3_agent`), for hosts that no server gives it to. */

const FOLDER = new URL('../../puppet/d3_agent/', import.meta.url);
const FILES = ['manifests/init.pp', 'metadata.json'] as const;

/** Its files, by their paths below a folder of modules. */
export function agentModule(): Record<string, string> {
  return Object.fromEntries(FILES.map((name) => [`d3_agent/${name}`, readFileSync(new URL(name, FOLDER), 'utf8')]));
}

/** What has it keep the agent off, or on. */
export function agentManifest(is: 'on' | 'off'): string {
  return `class { 'd3_agent': runmode => '${is === 'on' ? 'service' : 'none'}' }`;
}

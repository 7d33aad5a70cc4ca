import { createHash } from 'node:crypto';
import type { ScriptSlot } from '../../../catalog/types.ts';
import type { MunkiItem, MunkiScript } from './item.ts';

/** What each script of d3 is made of, in the order in which they run. */
const SLOTS: Readonly<Record<ScriptSlot, readonly MunkiScript[]>> = {
  preInstall: ['installcheck_script', 'preinstall_script'],
  postInstall: ['postinstall_script'],
  preRemove: ['uninstallcheck_script', 'preuninstall_script', 'uninstall_script'],
  postRemove: ['postuninstall_script'],
};

/** They say by any exit code but 0 that there is nothing to do. */
const CHECKS: readonly MunkiScript[] = ['installcheck_script', 'uninstallcheck_script'];

/** The scripts that cannot be run: Munki does not run them either. */
export function scriptsWithoutInterpreter({ scripts }: Pick<MunkiItem, 'scripts'>): MunkiScript[] {
  return (Object.entries(scripts) as [MunkiScript, string][])
    .filter(([, text]) => !text.startsWith('#!'))
    .map(([key]) => key);
}

/**
 * The scripts of an item as editions have them. One alone stays as it is; a check, and several in one place, are put into a
 * script that runs them as they are, one after the other.
 */
export function scriptsOf(item: Pick<MunkiItem, 'name' | 'scripts'>): Partial<Record<ScriptSlot, string>> {
  const made: Partial<Record<ScriptSlot, string>> = {};
  for (const [slot, keys] of Object.entries(SLOTS) as [ScriptSlot, readonly MunkiScript[]][]) {
    const parts = keys.flatMap((key) => {
      const text = item.scripts[key];
      return text === undefined ? [] : [{ key, text }];
    });
    const [only] = parts;
    if (only === undefined) continue;
    made[slot] = parts.length === 1 && !CHECKS.includes(only.key) ? only.text : together(parts);
  }
  return made;
}

function together(parts: readonly { key: MunkiScript; text: string }[]): string {
  const lines = [
    '#!/bin/sh',
    `# From Munki: ${parts.map(({ key }) => key).join(', ')}.`,
    'folder=$(mktemp -d) || exit 1',
    `trap 'rm -rf "$folder"' EXIT`,
    '',
  ];
  for (const { key, text } of parts) {
    const file = `"$folder/${key}"`;
    const end = endOf(text);
    lines.push(`cat >${file} <<'${end}' || exit 1`, text.endsWith('\n') ? text.slice(0, -1) : text, end);
    lines.push(`chmod 700 ${file} || exit 1`, file);
    lines.push(...(CHECKS.includes(key) ? AFTER_CHECK : AFTER_OTHER), '');
  }
  return `${lines.join('\n')}exit 0\n`;
}

/** 126 and 127: it could not be run, so that nobody knows. 111: settled, there is nothing to do. */
const AFTER_CHECK = ['code=$?', 'case $code in 0) ;; 126|127) exit 1 ;; *) exit 111 ;; esac'];
/** A script of Munki’s that ends with 111 has failed, as with any other code. */
const AFTER_OTHER = ['code=$?', 'case $code in 0) ;; 111) exit 1 ;; *) exit "$code" ;; esac'];

/** A line that stands nowhere in the text. */
function endOf(text: string): string {
  const lines = new Set(text.split('\n'));
  for (let again = 0; ; again += 1) {
    const end = `munki-${createHash('sha256').update(`${again}\n${text}`).digest('hex').slice(0, 16)}`;
    if (!lines.has(end)) return end;
  }
}

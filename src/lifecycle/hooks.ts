import path from 'node:path';
import type { EventName } from '@d3/sdk';
import type { HookFile, HookSource } from './bus.ts';

/** What is needed of an oclif plugin to find its handlers. */
export interface HookingPlugin {
  name: string;
  /** Absolute path of its folder. */
  root: string;
  type: string;
  isRoot?: boolean;
  hooks: Readonly<Record<string, readonly { target: string; identifier: string }[]>>;
}

const TYPE_ORDER = ['core', 'user', 'link'];

/**
 * Handlers in d3's order: the host, its own plugins as they are listed, installed ones, linked ones; the rest by name.
 * @param listed names of the host's own plugins, in order
 */
export function hookSource(plugins: Iterable<HookingPlugin>, listed: readonly string[]): HookSource {
  const ordered = [...plugins].toSorted((a, b) => place(a, listed) - place(b, listed) || (a.name < b.name ? -1 : 1));
  return {
    filesFor(event: EventName): HookFile[] {
      return ordered.flatMap(({ name, root, hooks }) =>
        (hooks[event] ?? []).map(({ target, identifier }) => ({
          plugin: name,
          file: path.resolve(root, target),
          identifier,
        })),
      );
    },
  };
}

function place({ name, type, isRoot }: HookingPlugin, listed: readonly string[]): number {
  if (isRoot === true) return -1;
  const at = listed.indexOf(name);
  if (at !== -1) return at;
  const order = TYPE_ORDER.indexOf(type);
  return listed.length + (order === -1 ? TYPE_ORDER.length : order);
}

import type { PluginContext, PolicyRun } from '@d3/sdk';

/** A policy or an event of a group, with what became of it. */
export type GroupItem = {
  item: string;
  state: PolicyRun['state'];
  text: string;
};

/** Runs them in their order; blank ones are nothing, and one that fails stops no other. */
export async function runGroup(
  words: readonly string[],
  { policies }: Pick<PluginContext, 'policies'>,
): Promise<GroupItem[]> {
  const items: GroupItem[] = [];
  for (const item of words.map((word) => word.trim()).filter((word) => word !== '')) {
    const { state, text } = await policies.run(item.replace(/^(?:policy|event):/, ''), {});
    items.push({ item, state, text });
  }
  return items;
}

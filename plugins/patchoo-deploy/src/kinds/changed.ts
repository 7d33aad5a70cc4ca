import type { MachineRecord } from '@d3/sdk';
import type { Parts } from '../parts.ts';
import { readAttributes, type Values, valuesOf } from '../rules/attributes.ts';
import { isOutside } from './trouble.ts';

/**
 * What the record says otherwise by now than it did when the machine was taken. That is told, and never followed in the middle: the
 * machine is deployed as one thing.
 */
export async function noteChanged({ memory, ports, settings }: Parts, run: string): Promise<void> {
  const { snapshot } = memory.of(run);
  if (snapshot === null) return;
  const attributes = readAttributes(settings);
  let record: MachineRecord | null;
  try {
    record = await ports.machine.record();
  } catch (error) {
    // Nothing hangs on it.
    if (isOutside(error)) return;
    throw error;
  }
  const now = valuesOf(record, attributes, settings.buildAttribute);
  for (const { key, label, standard } of attributes) {
    const [before, after] = [snapshot.values[key], now[key] ?? standard ?? undefined];
    if (before !== after) memory.warn(run, changed(label, before, after));
  }
}

function changed(label: string, before: Values[string] | undefined, after: Values[string] | undefined): string {
  return `its record says ${label} ${after ?? 'nothing'} by now; it was deployed with ${before ?? 'nothing'}`;
}

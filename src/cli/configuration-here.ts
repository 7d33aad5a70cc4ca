import { type ConfigPlaces, type Configuration, readConfiguration } from '../config/layers.ts';
import { machinePaths } from '../platform/paths.ts';
import type { Inputs } from './inputs.ts';

/** The configuration of the machine a command works on, right or wrong. */
export async function configurationHere({
  root,
}: Pick<Inputs, 'root'>): Promise<{ configuration: Configuration; places: ConfigPlaces }> {
  const places = machinePaths(root, process.platform);
  return { configuration: await readConfiguration(places), places };
}

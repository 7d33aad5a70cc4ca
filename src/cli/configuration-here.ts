import { type ConfigPlaces, type Configuration, readConfiguration } from '../config/layers.ts';
import type { Inputs } from './inputs.ts';
import { pathsWithin } from './root-bounds.ts';

/** The configuration of the machine a command works on, right or wrong. */
export async function configurationHere(
  inputs: Pick<Inputs, 'root'>,
): Promise<{ configuration: Configuration; places: ConfigPlaces }> {
  const places = pathsWithin(inputs);
  return { configuration: await readConfiguration(places), places };
}

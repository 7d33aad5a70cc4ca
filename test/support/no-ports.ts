import type { MachinePorts } from '@d3/sdk';

/** For plugins that use none of the machine's ports: whoever does stumbles. */
export const noPorts = (): MachinePorts => ({}) as MachinePorts;

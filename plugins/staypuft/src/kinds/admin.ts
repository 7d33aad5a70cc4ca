import { type AdminPort, D3Error, type PluginContext } from '@d3/sdk';

/** The depot that a step of a deployment works in. @throws D3Error refused on a machine: there it means nothing */
export function adminOf({ admin }: Pick<PluginContext, 'admin'>): AdminPort {
  if (admin !== null) return admin;
  throw new D3Error('NOT_IN_A_DEPOT', 'refused', 'Steps of deployments are run in a depot, not on a machine.', {
    actions: ['deploy from where the depot is administered: d3 deployment run NAME'],
  });
}

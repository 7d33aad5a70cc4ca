import { noteChanged } from './changed.ts';
import { done, type Kind, NO_ARGS } from './kind.ts';

/** All events had their turn: the depot is told, before anything else happens to the machine. */
export const deployed: Kind = {
  offer: { kind: 'provision-deployed', summary: 'Tells that the machine is deployed.', schema: NO_ARGS, timeout: 1800 },
  async run(parts, { run }) {
    await noteChanged(parts, run);
    await parts.ports.machine.report();
    await parts.ports.provisioning.stands('deployed');
    return done('');
  },
};

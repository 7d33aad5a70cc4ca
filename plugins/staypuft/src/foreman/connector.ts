import type { Connector } from '../deployment/connector.ts';
import type { NamedHost } from '../types.ts';
import { type ForemanAssigned, foremanAssign, foremanDrift, foremanUnassign, hostgroupOfRole } from './assign.ts';
import { foremanTidy } from './autosign.ts';
import { boardMissing } from './power.ts';
import { type ForemanContext, hasForeman, siteOf } from './site.ts';
import { goesByJobs } from './transport.ts';

const NOTHING: ForemanAssigned = { state: 'assigned', changed: false, text: '' };

/** Tells the site's Foreman; where there is none, or it does not know a host, there is nothing to tell. */
export async function foremanConnector(context: ForemanContext): Promise<Connector> {
  const settings = await context.settings.all();
  const site = siteOf(settings);
  const knows = ({ host }: NamedHost) => hasForeman(site) && host.foreman !== null;
  return {
    hostgroup: (role) => hostgroupOfRole(role, site.hostgroup),
    assign: async (target, hostgroup) => (knows(target) ? foremanAssign(target, hostgroup, context) : NOTHING),
    unassign: async (target) => (knows(target) ? foremanUnassign(target, context) : NOTHING),
    carries: ({ host }) => goesByJobs(settings, host),
    drift: async (target, hostgroup) => (knows(target) ? foremanDrift(target, hostgroup, context) : []),
    boardMissing: async (target) => boardMissing(target, context),
    tidy: async (targets) => foremanTidy(targets, context),
  };
}

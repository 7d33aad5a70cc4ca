import { D3Error, type Json, type ProvisioningRecord, type StatePort } from '@d3/sdk';

const KEY = 'provisioning';

type Kept = { record: ProvisioningRecord };

/** What Jamf Pro said of this machine when it was last asked, as facts by name; nothing is asked for it. */
export function factsKept({ state }: { state: StatePort }): Json {
  const kept = (state.get(KEY)?.value ?? null) as Kept | null;
  if (kept === null) return { handled: false };
  const { name, department, building, site, attributes } = kept.record;
  const said = Object.entries({ name, department, building, site }).filter(([, value]) => value !== null);
  // An extension attribute that is called as one of these is not it.
  return { ...attributes, ...Object.fromEntries(said) };
}

/** Keeps what Jamf Pro said of this machine. Somebody else may do the same at this moment, and what they kept is as new. */
export function keep(record: ProvisioningRecord | null, { state }: { state: StatePort }): void {
  const { version = 0, value = null } = state.get(KEY) ?? {};
  if (record === null && value === null) return;
  try {
    state.set(KEY, record === null ? null : { record }, version);
  } catch (error) {
    if (!(error instanceof D3Error) || error.code !== 'STATE_CONFLICT') throw error;
  }
}

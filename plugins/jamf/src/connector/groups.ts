import { D3Error } from '@d3/sdk';
import { listIn, readClassic, textIn } from './classic.ts';
import type { Caller, Connected } from './connection.ts';
import { deleted } from './records.ts';

export interface JamfGroup {
  id: string;
  name: string;
  description: string;
  smart: boolean;
}

/** Every group of computers, smart and static. */
export async function listGroups(caller: Caller): Promise<JamfGroup[]> {
  const rows = ((await caller.call('groups')) ?? []) as {
    id: string;
    name?: string;
    description?: string | null;
    smartGroup?: boolean;
  }[];
  return rows.map(({ id, name, description, smartGroup }) => ({
    id,
    name: name ?? '',
    description: description ?? '',
    smart: smartGroup === true,
  }));
}

/** The ids of the computers in a group. Only the Classic API says who is in a static one, and on older servers who is in a smart one. */
export async function membersOf(caller: Caller, { id, smart }: JamfGroup): Promise<string[]> {
  if (smart) {
    try {
      const answer = (await caller.call('smartMembers', { params: { id } })) as { members?: number[] } | null;
      return (answer?.members ?? []).map(String);
    } catch (error) {
      if (!(error instanceof D3Error) || error.code !== 'JAMF_NOT_FOUND') throw error;
    }
  }
  const group = await readClassic(caller, 'groupMembers', 'computer_group', { id });
  return listIn(group, ['computers'], 'computer').flatMap((one) => textIn(one, ['id']) ?? []);
}

/** Deletes a group; one that is gone already is no failure. */
export async function deleteGroup(connection: Connected, { id, smart }: JamfGroup): Promise<void> {
  await deleted(connection, smart ? 'deleteSmartGroup' : 'deleteStaticGroup', id);
}

import { D3Error } from '@d3/sdk';
import type { NamedHost, Role } from '../types.ts';

/** What became of an assignment elsewhere. */
export interface Connected {
  /** `held`: it is kept here until the deployment runs. */
  state: 'assigned' | 'held';
  /** Whether anything was written there. */
  changed: boolean;
  text: string;
}

/** Who else has to know where hosts belong: Foreman, for those it knows. Hosts of other kinds never come here. */
export interface Connector {
  /** Title of a role's hostgroup; null: nobody named one. */
  hostgroup(role: Role): string | null;
  /** Whole or not at all. @throws D3Error with what stands against it */
  assign(target: NamedHost, hostgroup: string): Promise<Connected>;
  unassign(target: NamedHost): Promise<Connected>;
  /** Whether work on a host goes to it as jobs there, in which all that is given to it can be read. */
  carries(target: NamedHost): boolean;
  /** How a host is not there as its assignment has it, in words; reads only. */
  drift(target: NamedHost, hostgroup: string): Promise<string[]>;
  /** Why a host cannot be restarted by its board, in words; null: it can, for all that is known. Reads only. */
  boardMissing(target: NamedHost): Promise<string | null>;
  /**
   * Takes away what was let in for the time of a run only, at its end, whatever it was.
   * @returns what could not be, in words
   */
  tidy(targets: readonly NamedHost[]): Promise<{ host: string; text: string }[]>;
}

/** @throws D3Error refused where nobody named the hostgroup of a role */
export function hostgroupOf(connector: Connector, role: Role): string {
  const title = connector.hostgroup(role);
  if (title !== null) return title;
  throw new D3Error(
    'HOSTGROUP_UNKNOWN',
    'refused',
    `It is not said which hostgroup of Foreman is that of role ${role.name}.`,
    {
      target: role.name,
      actions: [
        'say hostgroup: TITLE in the role of the blueprint',
        'or set foreman.hostgroup, below which roles have theirs',
      ],
    },
  );
}

import type { Row } from './lists.ts';

export interface NewGroup {
  name: string;
  description?: string;
  siteId?: string;
  /** Ids of the computers in it; such a group is static. */
  members?: readonly string[];
  /** Which computers belong to it; such a group is smart. */
  matches?: (computer: Row) => boolean;
}

export interface Group {
  id: string;
  name: string;
  description: string;
  siteId: string;
  smart: boolean;
  members: string[];
  matches: (computer: Row) => boolean;
}

/** Computer groups: who is in a smart one may be true only after it was calculated anew. */
export class Groups {
  readonly list: Group[] = [];
  #nextId = 1;

  add({ name, description = '', siteId = '-1', members, matches }: NewGroup): Group {
    const smart = matches !== undefined;
    const id = String(this.#nextId++);
    const group = {
      id,
      name,
      description,
      siteId,
      smart,
      members: [...(members ?? [])],
      matches: matches ?? (() => false),
    };
    this.list.push(group);
    return group;
  }

  remove(id: string): boolean {
    const index = this.list.findIndex((one) => one.id === id);
    if (index >= 0) this.list.splice(index, 1);
    return index >= 0;
  }

  /** Calculates the smart groups for some computers; how many groups they are in. */
  calculate(computers: readonly Row[]): number {
    let count = 0;
    for (const group of this.list.filter(({ smart }) => smart)) {
      for (const computer of computers) {
        group.members = group.members.filter((id) => id !== computer.id);
        if (!group.matches(computer)) continue;
        group.members.push(computer.id);
        count += 1;
      }
    }
    return count;
  }

  /** As a row of the list of smart or of static groups. */
  row(group: Group): Row {
    const { id, name, description, siteId, smart, members } = group;
    const count = smart ? { membershipCount: members.length } : { count: members.length };
    return { id, name, description, siteId, ...count };
  }

  of(computer: string): Row[] {
    const rows = this.list
      .filter(({ members }) => members.includes(computer))
      .map(({ id, name, description, smart }) => ({
        groupId: id,
        groupName: name,
        groupDescription: description,
        smartGroup: smart,
      }));
    return rows as unknown as Row[];
  }
}

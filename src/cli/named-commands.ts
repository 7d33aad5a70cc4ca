import { Args, Flags } from '@oclif/core';
import type { Named, SimpleKind } from '../admin/named.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { changingDepot, readingDepot } from './admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from './base.ts';
import { agreedToDelete, type Deletion, showDeletion } from './confirmed-delete.ts';
import { confirmingFlags } from './flags.ts';
import { fields, listed } from './table-text.ts';

/** The commands of categories, departments, buildings and sites: the same for each kind. */

const nameArg = { name: Args.string({ name: 'name', description: 'Its name.', required: true }) };
const objectArg = { object: Args.string({ name: 'object', description: 'Its name or id.', required: true }) };

export abstract class NamedAdd extends AdminCommand<Named, typeof NamedAdd> {
  static override flags = {
    description: Flags.string({ helpValue: 'TEXT', summary: 'What it is for.', default: '' }),
  };
  static override args = nameArg;
  protected abstract readonly kind: SimpleKind;

  async execute(context: ContextOf<typeof NamedAdd>): Promise<Outcome<Named>> {
    const { addNamed } = await import('../admin/named.ts');
    const { name } = context.args;
    const { description } = context.flags;
    return { result: await changingDepot(context, (session) => addNamed(this.kind, name, description, session)) };
  }

  render({ id, name }: Named, terminal: Terminal): void {
    terminal.result(`${name} is ${this.kind} ${id} now.`);
  }
}

export abstract class NamedEdit extends AdminCommand<Named, typeof NamedEdit> {
  static override flags = {
    name: Flags.string({ helpValue: 'NAME', summary: 'Its new name.' }),
    description: Flags.string({ helpValue: 'TEXT', summary: 'What it is for.' }),
  };
  static override args = objectArg;
  protected abstract readonly kind: SimpleKind;

  async execute(context: ContextOf<typeof NamedEdit>): Promise<Outcome<Named>> {
    const { editNamed } = await import('../admin/named.ts');
    const { name, description } = context.flags;
    const { object } = context.args;
    const changes = { name, description };
    return { result: await changingDepot(context, (session) => editNamed(this.kind, object, changes, session)) };
  }

  render(named: Named, terminal: Terminal): void {
    terminal.result(namedText(named));
  }
}

export abstract class NamedList extends AdminCommand<Named[], typeof NamedList> {
  protected abstract readonly kind: SimpleKind;

  async execute(context: ContextOf<typeof NamedList>): Promise<Outcome<Named[]>> {
    const { listNamed } = await import('../admin/named.ts');
    return { result: await readingDepot(context, (session) => listNamed(this.kind, session)) };
  }

  render(all: Named[], terminal: Terminal): void {
    const title = TITLES[this.kind];
    terminal.table({
      title,
      columns: [{ header: 'Id', align: 'right' }, 'Name', { header: 'Used', align: 'right' }, 'Description'],
      rows: all.map(({ id, name, usedBy, description }) => [id ?? '-', name, usedBy.length, description]),
      empty: `${title}: none`,
    });
  }
}

export abstract class NamedShow extends AdminCommand<Named, typeof NamedShow> {
  static override args = objectArg;
  protected abstract readonly kind: SimpleKind;

  async execute(context: ContextOf<typeof NamedShow>): Promise<Outcome<Named>> {
    const { showNamed } = await import('../admin/named.ts');
    const { object } = context.args;
    return { result: await readingDepot(context, (session) => showNamed(this.kind, object, session)) };
  }

  render(named: Named, terminal: Terminal): void {
    terminal.result(namedText(named));
  }
}

export abstract class NamedDelete extends AdminCommand<Deletion, typeof NamedDelete> {
  static override flags = { ...confirmingFlags };
  static override args = objectArg;
  protected abstract readonly kind: SimpleKind;

  async execute(context: ContextOf<typeof NamedDelete>): Promise<Outcome<Deletion>> {
    const { deleteNamed, namedToDelete } = await import('../admin/named.ts');
    const { args, flags, terminal } = context;
    return changingDepot(context, async (session) => {
      const found = await namedToDelete(this.kind, args.object, session);
      const what = { name: found.name, details: ['Nothing uses it.'] };
      const done = await agreedToDelete(what, flags, terminal);
      if (done) await deleteNamed(this.kind, found, session);
      return { result: { ...what, done } };
    });
  }

  render(deletion: Deletion, terminal: Terminal): void {
    showDeletion(deletion, terminal);
  }
}

const TITLES: Readonly<Record<SimpleKind, string>> = {
  category: 'Categories',
  department: 'Departments',
  building: 'Buildings',
  site: 'Sites',
};

function namedText({ id, name, description, usedBy }: Named): string {
  return fields([
    ['Name', name],
    ['Id', String(id)],
    ['Description', description === '' ? 'none' : description],
    ['Used by', listed(usedBy)],
  ]);
}

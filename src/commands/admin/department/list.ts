import { NamedList } from '../../../cli/named-commands.ts';

export default class AdminDepartmentList extends NamedList {
  static override summary = 'List the departments of the depot.';
  static override examples = ['<%= config.bin %>admin department list'];
  protected readonly kind = 'department';
}

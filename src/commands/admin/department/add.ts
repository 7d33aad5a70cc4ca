import { NamedAdd } from '../../../cli/named-commands.ts';

export default class AdminDepartmentAdd extends NamedAdd {
  static override summary = 'Make a department for computers.';
  static override examples = ['<%= config.bin %>admin department add Sales'];
  protected readonly kind = 'department';
}

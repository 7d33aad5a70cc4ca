import { NamedShow } from '../../../cli/named-commands.ts';

export default class AdminDepartmentShow extends NamedShow {
  static override summary = 'Show a department and what uses it.';
  static override examples = ['<%= config.bin %>admin department show Sales'];
  protected readonly kind = 'department';
}

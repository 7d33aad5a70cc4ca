import { NamedDelete } from '../../../cli/named-commands.ts';

export default class AdminDepartmentDelete extends NamedDelete {
  static override summary = 'Delete a department that nothing uses.';
  static override examples = ['<%= config.bin %>admin department delete Sales -a'];
  protected readonly kind = 'department';
}

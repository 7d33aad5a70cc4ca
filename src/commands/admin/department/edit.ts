import { NamedEdit } from '../../../cli/named-commands.ts';

export default class AdminDepartmentEdit extends NamedEdit {
  static override summary = 'Give a department another name or description; computers and groups follow.';
  static override examples = ['<%= config.bin %>admin department edit Sales --name Marketing'];
  protected readonly kind = 'department';
}

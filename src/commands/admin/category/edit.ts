import { NamedEdit } from '../../../cli/named-commands.ts';

export default class AdminCategoryEdit extends NamedEdit {
  static override summary = 'Give a category another name or description; editions that have it follow.';
  static override examples = ['<%= config.bin %>admin category edit Utilities --name Tools'];
  protected readonly kind = 'category';
}

import { NamedDelete } from '../../../cli/named-commands.ts';

export default class AdminCategoryDelete extends NamedDelete {
  static override summary = 'Delete a category that nothing uses.';
  static override examples = ['<%= config.bin %>admin category delete Utilities -a'];
  protected readonly kind = 'category';
}

import { NamedAdd } from '../../../cli/named-commands.ts';

export default class AdminCategoryAdd extends NamedAdd {
  static override summary = 'Make a category for editions.';
  static override examples = ['<%= config.bin %>admin category add Utilities'];
  protected readonly kind = 'category';
}

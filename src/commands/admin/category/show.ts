import { NamedShow } from '../../../cli/named-commands.ts';

export default class AdminCategoryShow extends NamedShow {
  static override summary = 'Show a category and what uses it.';
  static override examples = ['<%= config.bin %>admin category show Utilities'];
  protected readonly kind = 'category';
}

import { NamedList } from '../../../cli/named-commands.ts';

export default class AdminCategoryList extends NamedList {
  static override summary = 'List the categories of the depot.';
  static override examples = ['<%= config.bin %>admin category list'];
  protected readonly kind = 'category';
}

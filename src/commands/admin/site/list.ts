import { NamedList } from '../../../cli/named-commands.ts';

export default class AdminSiteList extends NamedList {
  static override summary = 'List the sites of the depot.';
  static override examples = ['<%= config.bin %>admin site list'];
  protected readonly kind = 'site';
}

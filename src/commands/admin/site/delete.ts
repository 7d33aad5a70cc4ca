import { NamedDelete } from '../../../cli/named-commands.ts';

export default class AdminSiteDelete extends NamedDelete {
  static override summary = 'Delete a site that nothing uses.';
  static override examples = ['<%= config.bin %>admin site delete Nord -a'];
  protected readonly kind = 'site';
}

import { NamedEdit } from '../../../cli/named-commands.ts';

export default class AdminSiteEdit extends NamedEdit {
  static override summary = 'Give a site another name or description; computers and groups follow.';
  static override examples = ['<%= config.bin %>admin site edit Nord --name Süd'];
  protected readonly kind = 'site';
}

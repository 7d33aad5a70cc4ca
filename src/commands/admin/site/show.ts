import { NamedShow } from '../../../cli/named-commands.ts';

export default class AdminSiteShow extends NamedShow {
  static override summary = 'Show a site and what uses it.';
  static override examples = ['<%= config.bin %>admin site show Nord'];
  protected readonly kind = 'site';
}

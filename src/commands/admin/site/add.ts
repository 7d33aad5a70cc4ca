import { NamedAdd } from '../../../cli/named-commands.ts';

export default class AdminSiteAdd extends NamedAdd {
  static override summary = 'Make a site for computers.';
  static override examples = ['<%= config.bin %>admin site add Nord'];
  protected readonly kind = 'site';
}

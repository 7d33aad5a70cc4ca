import { NamedDelete } from '../../../cli/named-commands.ts';

export default class AdminBuildingDelete extends NamedDelete {
  static override summary = 'Delete a building that nothing uses.';
  static override examples = ['<%= config.bin %>admin building delete "Building 7" -a'];
  protected readonly kind = 'building';
}

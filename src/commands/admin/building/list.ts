import { NamedList } from '../../../cli/named-commands.ts';

export default class AdminBuildingList extends NamedList {
  static override summary = 'List the buildings of the depot.';
  static override examples = ['<%= config.bin %>admin building list'];
  protected readonly kind = 'building';
}

import { NamedAdd } from '../../../cli/named-commands.ts';

export default class AdminBuildingAdd extends NamedAdd {
  static override summary = 'Make a building for computers.';
  static override examples = ['<%= config.bin %>admin building add "Building 7"'];
  protected readonly kind = 'building';
}

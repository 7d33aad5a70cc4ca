import { NamedShow } from '../../../cli/named-commands.ts';

export default class AdminBuildingShow extends NamedShow {
  static override summary = 'Show a building and what uses it.';
  static override examples = ['<%= config.bin %>admin building show "Building 7"'];
  protected readonly kind = 'building';
}

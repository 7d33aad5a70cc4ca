import { NamedEdit } from '../../../cli/named-commands.ts';

export default class AdminBuildingEdit extends NamedEdit {
  static override summary = 'Give a building another name or description; computers and groups follow.';
  static override examples = ['<%= config.bin %>admin building edit "Building 7" --name Annex'];
  protected readonly kind = 'building';
}

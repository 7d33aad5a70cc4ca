import { Args, Flags } from '@oclif/core';
import type { RotationRequest, RotationResult } from '../../../admin/keys.ts';
import { signingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { keysFlag, wholeNumber } from '../../../cli/flags.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class DepotKeysRotate extends AdminCommand<RotationResult, typeof DepotKeysRotate> {
  static override summary =
    'Let other keys sign for a role: after a key was lost or taken, or to keep it somewhere else.';
  static override description =
    "Without --add, --remove and --threshold a new key takes the place of all the role has: in --to DIR, else on the depot's host. " +
    'It is done by new root metadata, which the holders of the root keys sign (d3 depot keys sign, in turns), and machines follow it ' +
    'by themselves. What the old keys sign after that is refused.';
  static override examples = [
    '<%= config.bin %> depot keys rotate timestamp',
    '<%= config.bin %> depot keys rotate root --to /media/stick',
    '<%= config.bin %> depot keys rotate targets --add ed25519:7a31… --add ed25519:09be… --threshold 2',
    '<%= config.bin %> depot keys rotate targets --remove 1f0c22ab',
  ];
  static override flags = {
    ...keysFlag,
    to: Flags.string({ helpValue: 'DIR', summary: 'Make the new key there, away from the depot (root and targets).' }),
    add: Flags.string({
      helpValue: 'KEY',
      summary: 'The public half of a key that counts from now on; repeatable.',
      multiple: true,
    }),
    remove: Flags.string({
      helpValue: 'ID',
      summary: 'A key that does no more, by its id; repeatable.',
      multiple: true,
    }),
    threshold: wholeNumber({ min: 1, helpValue: 'NUMBER', summary: 'How many of the keys have to sign.' }),
  };
  static override args = {
    role: Args.string({
      name: 'role',
      description: 'root, targets, snapshot or timestamp.',
      options: ['root', 'targets', 'snapshot', 'timestamp'],
      required: true,
    }),
  };

  async execute(context: ContextOf<typeof DepotKeysRotate>): Promise<Outcome<RotationResult>> {
    const { rotateKeys } = await import('../../../admin/keys.ts');
    const { to = null, add = [], remove = [], threshold = null } = context.flags;
    const role = context.args.role as RotationRequest['role'];
    const request = { role, add, remove, threshold, folder: to };
    // Who has a key made somewhere signs with it at once.
    const keys = [...(context.flags.keys ?? []), ...(to === null ? [] : [to])];
    const input = { ...context, flags: { ...context.flags, keys } };
    return { result: await signingDepot(input, (session) => rotateKeys(request, session)) };
  }

  async render(
    { role, root, after, threshold, made, inForce, waiting }: RotationResult,
    terminal: Terminal,
  ): Promise<void> {
    const { waitingWords } = await import('../../../admin/waiting.ts');
    const ids = after.map((id) => id.slice(0, 8)).join(', ');
    terminal.result(
      [
        `${role}: ${threshold} of ${ids} ${inForce ? `sign now (root version ${root}).` : `will sign (root version ${root}).`}`,
        ...(made === null ? [] : [`The new key is ${made}: keep a copy of it in a safe place.`]),
        ...waiting.map(waitingWords),
      ].join('\n'),
    );
  }
}

import type { PluginContext } from '@d3/sdk';
import { targetNamed } from '../deployment/reach.ts';
import type { Kind } from '../kinds.ts';
import { MARK_OFF, MARK_ON, MARK_SCHEMA, type MarkFile } from '../mark.ts';
import type { Remote } from '../ssh-port.ts';
import { adminOf } from './admin.ts';
import { hostKind, text } from './host-kind.ts';

const HOUR = 3_600_000;

/** Marks a host as being deployed, for so many hours at most, and takes the mark away. */
export function markKind(remoteOf: (context: PluginContext) => Promise<Remote>): Kind {
  return hostKind({
    kind: 'deploy-mark',
    summary: 'Marks a host as being deployed, so that its own sync waits, or takes the mark away.',
    properties: { is: { enum: ['on', 'off'] } },
    required: ['is'],
    timeout: 300,
    async run({ args, run }, context) {
      const on = args['is'] === 'on';
      const remote = await remoteOf(context);
      const target = await targetNamed(adminOf(context), text(args['host']));
      const { 'deployment.markHours': hours } = await context.settings.all();
      const until = new Date(context.clock.now().getTime() + Number(hours ?? 24) * HOUR).toISOString();
      const mark: MarkFile = { schema: MARK_SCHEMA, deployment: text(args['deployment']), run, until };
      const { signal } = context;
      const input = on ? `${JSON.stringify(mark)}\n` : '';
      const { code, output } = await remote.look(target, on ? MARK_ON : MARK_OFF, { signal, input });
      if (code === 0) return { outcome: 'done', text: on ? `marked until ${until}` : 'the mark is gone' };
      return { outcome: 'failed', text: `the mark could not be ${on ? 'put down' : 'taken away'}: ${output.trim()}` };
    },
  });
}

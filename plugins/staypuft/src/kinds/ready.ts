import type { PluginContext } from '@d3/sdk';
import { targetNamed } from '../deployment/reach.ts';
import { factsOf, GATHER } from '../hosts/facts.ts';
import { keepFacts } from '../hosts/keep.ts';
import type { Kind } from '../kinds.ts';
import type { Remote } from '../ssh-port.ts';
import { adminOf } from './admin.ts';
import { fields, hostKind, text } from './host-kind.ts';

/** Seconds between two looks, a host has at most, and one that was installed has after it was first reached. */
const LOOK = 5;
const LIMIT = 1800;
const GRACE = 60;

/**
 * Waits until a host is reached; one that was installed has some time to settle then, and must not have been restarted meanwhile: an
 * open port says nothing. What the host is, is written down.
 */
export function readyKind(remoteOf: (context: PluginContext) => Promise<Remote>): Kind {
  return hostKind({
    kind: 'deploy-ready',
    summary: 'Waits until a host can be worked on, and finds out what it is.',
    properties: {},
    required: [],
    timeout: 300,
    async run({ args, data }, context) {
      const admin = adminOf(context);
      const remote = await remoteOf(context);
      const target = await targetNamed(admin, text(args['host']));
      const settings = await context.settings.all();
      const now = context.clock.now().getTime();
      const seen = fields(data);
      const since = typeof seen['since'] === 'number' ? seen['since'] : now;
      const limit = Number(settings['deployment.readySeconds'] ?? LIMIT);
      const boot = await remote.bootId(target, context.signal);
      if (boot === null) {
        if (now - since > limit * 1000)
          return { outcome: 'failed', text: `${target.name} could not be reached within ${limit} s` };
        return { outcome: 'later', text: `${target.name} does not answer yet`, seconds: LOOK, data: { since } };
      }
      const grace = target.host.kind === 'discovered' ? Number(settings['deployment.graceSeconds'] ?? GRACE) : 0;
      const first = seen['boot'] === boot && typeof seen['first'] === 'number' ? seen['first'] : now;
      if (now - first < grace * 1000) {
        const remembered = { since, boot, first };
        return { outcome: 'later', text: `${target.name} is reached; it may settle`, seconds: LOOK, data: remembered };
      }
      const { code, output } = await remote.look(target, GATHER, { signal: context.signal });
      if (code === 0) await keepFacts(admin, target.name, factsOf(output));
      return { outcome: 'done', text: `reached, started as ${boot}` };
    },
  });
}

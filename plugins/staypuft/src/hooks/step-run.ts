import { defineHook } from '@d3/sdk';
import { kindOf } from '../kinds.ts';

export default defineHook('d3:step:run', async (payload, ctx) => {
  const kind = kindOf(payload.kind);
  return kind === undefined ? { handled: false } : kind.run(payload, ctx);
});

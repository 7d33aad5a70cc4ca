import type { Deployment, Released } from './memory.ts';
import type { Report } from './report.ts';
import type { Notice } from './rules/notices.ts';

/** What this plugin stores and sends, by its schema; `scripts/schemas.ts` makes schemas of it. */
export interface Documents {
  'provision@1': Deployment;
  'provision-notice@1': Notice;
  'provision-report@1': Report;
  'released@1': Released;
}

import type { UsageAttribute } from './report.ts';

/** What this plugin sends, by its schema; `scripts/schemas.ts` makes schemas of it. */
export interface Documents {
  'ea-usage@1': UsageAttribute;
}

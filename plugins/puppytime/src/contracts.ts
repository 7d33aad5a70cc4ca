import type { Orders, Report } from './show/orders.ts';

/** What this plugin stores, by its schema; `scripts/schemas.ts` makes schemas of it. */
export interface Documents {
  'show-orders@1': Orders;
  'show-report@1': Report;
}

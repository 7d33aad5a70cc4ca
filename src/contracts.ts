import type { ChoicesAnswer, Envelope, Json, ProvisionedAnswer } from '@d3/sdk';
import type { Catalog } from './catalog/types.ts';
import type { DepotKey } from './client/depot-key.ts';
import type { QueueAttribute, ReceiptsAttribute } from './client/extension-attributes.ts';
import type { RunRecord } from './client/state/state.ts';
import type { Credentials } from './config/credentials.ts';
import type { Preferences } from './config/preferences.ts';
import type { BackupList } from './depot/backup.ts';
import type { PackageContents } from './depot/contract.ts';
import type { DraftFile } from './depot/drafts.ts';
import type { SealedRecord } from './depot/sealed-records.ts';
import type { KnownCopy, SiteMark } from './depot/site.ts';
import type { NewEdition } from './depot/store/contract.ts';
import type { DatabaseFile } from './depot/store/database.ts';
import type { TrustRecord } from './depot/trust.ts';
import type { Receipt } from './planner/receipt.ts';
import type { Deferred, Facts, Plan } from './planner/types.ts';
import type { PluginLock } from './startup/plugin-list.ts';

/** What `scripts/schemas.ts` makes schemas of besides the results of commands. Types only: nothing of it is there when d3 runs. */

/** The one document on stdout under --json. What `result` is, the schema of the command's result says. */
export type AnyEnvelope = Envelope<Json>;

/**
 * Every document of the host that is stored or sent, by its schema; besides those with a schema that the code checks them with: the
 * kinds of documents of a depot, reports, runs of steps.
 */
export interface Documents {
  'catalog@1': Catalog;
  'contents@1': PackageContents;
  'copies@1': { schema: 'd3/copies@1'; copies: KnownCopy[] };
  'credentials@1': { schema: 'd3/credentials@1' } & Credentials;
  'deferred@1': Deferred;
  'depot-backup@1': BackupList;
  'depot-database@1': DatabaseFile;
  'depot-key@1': { schema: 'd3/depot-key@1' } & DepotKey;
  'draft@1': DraftFile;
  'ea-queue@1': QueueAttribute;
  'ea-receipts@1': ReceiptsAttribute;
  'edition@1': { schema: 'd3/edition@1' } & Omit<NewEdition, 'basename' | 'version' | 'revision'>;
  'elsewhere@1': { schema: 'd3/elsewhere@1'; keys: Record<string, string> };
  'facts@1': Facts;
  'plan@1': Plan;
  'plugins-lock@1': PluginLock;
  'preferences@1': { schema: 'd3/preferences@1' } & Partial<Preferences>;
  'provisioned@1': ProvisionedAnswer;
  'provisioning-choices@1': ChoicesAnswer;
  'receipt@1': Receipt;
  'record@1': SealedRecord;
  'run@1': RunRecord;
  'site-mark@1': SiteMark;
  'trust@1': TrustRecord;
}

/** The depot's public face. Nothing heavy is loaded by importing it: the store and the verifier come when they are used. */
import type * as backups from './backup.ts';
import type * as admins from './depot.ts';
import type * as moves from './move.ts';
import type * as remote from './remote/depot.ts';
import type * as enrolment from './remote/enrolment.ts';
import type * as queues from './run-queue.ts';
import type * as page from './server/page-files.ts';
import type * as server from './server/serve.ts';

export type { BackedUp } from './backup.ts';
export { type BlobInfo, type Blobs, openBlobs } from './blobs.ts';
export { createDepotClient, type DepotClientOptions } from './client.ts';
export type * from './contract.ts';
export type { Depot, LocalDepot, PublishChoice } from './depot.ts';
export { type DocumentKind, registerDocumentKind } from './document-kinds.ts';
export type { Waiting } from './drafts.ts';
export { type Anchor, type ChainedEvent, type ChainProblem, type ChainVerdict, verifyChain } from './event-chain.ts';
export { endsSoon, STATIC_DAYS } from './expiry.ts';
export { computerMeant, Fleet, type FleetComputer, type FleetSource, type Judged } from './fleet.ts';
export { depotUrl, HttpTransport } from './http-transport.ts';
export type { InboxOutcome, ReportsTaken } from './inbox.ts';
export { makeKey, publicKeyOf, publicText, SIGNING_ROLES, type SigningRole } from './keys.ts';
export { networkProblem } from './mirrors.ts';
export type { Moved } from './move.ts';
export { blobsOf, neededBlobs } from './needed-blobs.ts';
export { asksRecords, Records } from './records.ts';
export { ROLES, type Role } from './roles.ts';
export type { RunQueue } from './run-queue.ts';
export type { PageFiles } from './server/page-files.ts';
export type { Served, ServeOptions } from './server/serve.ts';
export type { KeysView, RoleRow, Rotated, Rotation } from './signing.ts';
export type { KnownCopy, SiteCopy, SiteOptions } from './site.ts';
export type * from './store/contract.ts';
export type { DatabaseGiven } from './store/database.ts';
export { openStore } from './store/open.ts';
export { FolderTransport, SourceRefused, type Transport } from './transport.ts';

/** The admins' side comes when it is used: machines ask for the client alone. */
export const initDepot: typeof admins.initDepot = async (...given) => (await import('./depot.ts')).initDepot(...given);
export const openDepot: typeof admins.openDepot = async (...given) => (await import('./depot.ts')).openDepot(...given);
export const moveDepot: typeof moves.moveDepot = async (...given) => (await import('./move.ts')).moveDepot(...given);
export const backUpDepot: typeof backups.backUpDepot = async (...given) =>
  (await import('./backup.ts')).backUpDepot(...given);
export const restoreDepot: typeof backups.restoreDepot = async (...given) =>
  (await import('./backup.ts')).restoreDepot(...given);
export const openRunQueue: typeof queues.openRunQueue = async (...given) =>
  (await import('./run-queue.ts')).openRunQueue(...given);
export const openRemoteDepot: typeof remote.openRemoteDepot = async (...given) =>
  (await import('./remote/depot.ts')).openRemoteDepot(...given);
export { newSecret, secretHash } from './secrets.ts';
export const requestEnrolment: typeof enrolment.requestEnrolment = async (...given) =>
  (await import('./remote/enrolment.ts')).requestEnrolment(...given);
export const serveDepot: typeof server.serveDepot = async (...given) =>
  (await import('./server/serve.ts')).serveDepot(...given);
export const readPage: typeof page.readPage = async (...given) =>
  (await import('./server/page-files.ts')).readPage(...given);
export const pageFiles = async (...given: Parameters<typeof page.pageFiles>): Promise<page.PageFiles> =>
  (await import('./server/page-files.ts')).pageFiles(...given);

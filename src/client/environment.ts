import type { JournalledAction } from './state/state.ts';

export interface RunIdentity {
  run: string;
  command: string;
  admin: string;
  force: boolean;
  debug: boolean;
  /** What scripts of this run see besides. */
  environment?: Readonly<Record<string, string>>;
}

/**
 * The variables that scripts of an action see, with the ancestor's names and values; only what applies is set.
 * @param retries how often the action was taken up again after a cut
 */
export function actionEnvironment(
  identity: RunIdentity,
  action: JournalledAction,
  retries: number,
): Record<string, string> {
  const syncing = identity.command === 'sync';
  const environment: Record<string, string> = {
    ...identity.environment,
    D3_RUN: identity.run,
    D3_ADMIN: adminOf(identity, action),
  };
  if (identity.force || action.force) environment['D3_FORCE'] = '1';
  if (identity.debug) environment['D3_DEBUG'] = '1';
  if (syncing) environment['D3_SYNCING'] = '1';
  if (retries > 0) environment['D3_RETRY'] = '1';
  if (action.kind === 'uninstall') {
    Object.assign(environment, action.environment);
    environment['D3_UNINSTALLING'] = action.receipt.edition;
    return environment;
  }
  environment['D3_INSTALLING'] = action.edition.edition;
  environment['D3_PKG_STATUS'] = action.edition.status;
  if (action.mode === 'auto-install') environment['D3_AUTO_INSTALLING'] = '1';
  else if (syncing) environment['D3_AUTO_UPDATING'] = '1';
  return environment;
}

function adminOf(identity: RunIdentity, action: JournalledAction): string {
  return action.kind === 'install' ? action.admin : identity.admin;
}

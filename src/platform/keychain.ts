/** A place of the operating system for secrets: the keychain of macOS, the secret service of a desktop. */
export interface Keychain {
  /** Null: it has none, or does not answer. */
  get(service: string, account: string): Promise<string | null>;
  /** @returns whether it took it: a server without a desktop has nobody who would */
  set(service: string, account: string, secret: string): Promise<boolean>;
  /** Nothing happens when it has none. */
  remove(service: string, account: string): Promise<void>;
}

/** Loaded when it is used: it is native code. @returns null where there is none for this system */
export async function keychainHere(): Promise<Keychain | null> {
  const keyring = await import('@napi-rs/keyring').catch(() => null);
  if (keyring === null) return null;
  const entry = (service: string, account: string) => new keyring.AsyncEntry(service, account);
  const or = async <Value>(ask: () => Promise<Value>, otherwise: Value): Promise<Value> => {
    try {
      return await ask();
    } catch {
      return otherwise;
    }
  };
  return {
    get: (service, account) => or(async () => (await entry(service, account).getPassword()) ?? null, null),
    set: (service, account, secret) =>
      or(async () => {
        await entry(service, account).setPassword(secret);
        return true;
      }, false),
    remove: (service, account) =>
      or(async () => {
        await entry(service, account).deletePassword();
      }, undefined),
  };
}

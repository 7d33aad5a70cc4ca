import path from 'node:path';
import type { D3Error, PluginContext } from '@d3/sdk';
import type { ClientAnswers } from '../proxy/answers.ts';
import { homeOf } from './accounts.ts';
import { type ServiceBefore, switchBack, switchOff } from './agent-service.ts';
import { authorizedLine, withKey, withoutKey } from './authorized-keys.ts';
import { certnameOf, layoutOf, registerAgent, wantedSettings } from './puppet.ts';
import { type Edit, withoutSettings, withSettings } from './puppet-conf.ts';
import { type Registration, registrationOf } from './registration.ts';

/** What was done, so that just this is undone: the plugin's store, key `client`. */
export type Kept = {
  schema: 'd3/client-setup@1';
  /** The line, the file it is in, and whether that was made for it. */
  key: { line: string; file: string; made: boolean } | null;
  conf: { file: string; edits: Edit[]; made: boolean } | null;
  service: ServiceBefore | null;
  /** Whom the agent is registered with. */
  registered: { server: string; certname: string } | null;
};

export type SetUp = {
  /** What was changed, in words; empty: nothing was to change. */
  changed: string[];
  registration: Registration;
};

export type Removed = { changed: string[] };

const KEY = 'client';
const NOTHING: Kept = { schema: 'd3/client-setup@1', key: null, conf: null, service: null, registered: null };
const CONF_MODE = 0o644;

type Ports = Pick<PluginContext, 'files' | 'programs' | 'state' | 'ui' | 'root' | 'machine' | 'signal'>;

/** The plugin's memory of what it did; it is written before anything is done, so that a cut loses nothing of it. */
class Memory {
  readonly #state: PluginContext['state'];
  #version: number;
  kept: Kept;

  constructor(state: PluginContext['state']) {
    this.#state = state;
    const stored = state.get(KEY);
    this.#version = stored?.version ?? 0;
    this.kept = (stored?.value as Kept | null | undefined) ?? NOTHING;
  }

  keep(changes: Partial<Kept>): void {
    this.kept = { ...this.kept, ...changes };
    this.#version = this.#state.set(KEY, this.kept, this.#version).version;
  }
}

/**
 * Makes this machine ready to be deployed over SSH. Done again, only what is missing is done.
 * @param options `certname`: null, as the machine is called
 */
export async function setUpClient(
  answers: ClientAnswers,
  ports: Ports,
  options: { certname: string | null; dryRun: boolean; platform: NodeJS.Platform },
): Promise<{ result: SetUp; errors: D3Error[]; warnings: string[] }> {
  const { files, ui } = ports;
  const memory = new Memory(ports.state);
  const changed: string[] = [];
  const did = (text: string) => {
    changed.push(text);
    ui({ type: 'note', target: null, text });
  };
  const warnings: string[] = [];
  const registration = await registrationOf(ports, answers.user ?? 'root');
  const certname = options.certname ?? certnameOf(registration.name);
  const { server } = answers;
  const layout = server === null ? null : layoutOf(ports);

  // The key first: whoever loses the connection here can come back by it.
  const home = await homeOf(files, answers.user ?? 'root');
  const file = path.posix.join(home, '.ssh/authorized_keys');
  const line = authorizedLine({ publicKey: answers.publicKey ?? '', from: answers.from, command: answers.command });
  const before = memory.kept.key?.file === file ? memory.kept.key.line : null;
  const text = (await files.read(file, MOST_BYTES))?.bytes.toString('utf8') ?? null;
  if (withKey(text, line, before) !== (text ?? '')) {
    if (!options.dryRun) {
      memory.keep({ key: { line, file, made: memory.kept.key?.made ?? text === null } });
      await files.edit(file, (now) => withKey(now, line, before), { mode: 0o600, folders: 0o700 });
    }
    did(`the key of ${answers.proxy} is in ${file}`);
  }

  if (server !== null && layout !== null) {
    // What it was before the first time is what it goes back to.
    const remember = (was: ServiceBefore) => memory.keep({ service: memory.kept.service ?? was });
    const isFirst = memory.kept.service === null;
    const off = options.dryRun ? null : await switchOff(ports, options.platform, remember);
    if (off?.kind === 'none') {
      if (isFirst) warnings.push('There is no systemd here: see that the Puppet agent does not start by itself.');
    } else if (off !== null) {
      did(
        off.kind === 'preset'
          ? 'the Puppet agent is off when this folder first starts as a system'
          : 'the Puppet agent is off',
      );
    }
    const wanted = wantedSettings(answers, certname);
    const conf = (await files.read(layout.conf, MOST_BYTES))?.bytes.toString('utf8') ?? null;
    if (withSettings(conf, wanted).edits.length > 0) {
      if (!options.dryRun) {
        const { edits } = withSettings(conf, wanted);
        const known = memory.kept.conf?.file === layout.conf ? memory.kept.conf : null;
        memory.keep({
          conf: { file: layout.conf, edits: [...(known?.edits ?? []), ...edits], made: known?.made ?? conf === null },
        });
        await files.edit(layout.conf, (now) => withSettings(now, wanted).text, { mode: CONF_MODE, folders: 0o755 });
      }
      did(`${layout.conf} names the server ${server}`);
    }
    const { registered } = memory.kept;
    if (registered?.server !== server || registered.certname !== certname) {
      if (options.dryRun) did(`it is registered with ${server}`);
      else {
        try {
          await registerAgent(layout, server, ports);
        } catch (error) {
          return { result: { changed, registration }, errors: [error as D3Error], warnings };
        }
        memory.keep({ registered: { server, certname } });
        did(`it is registered with ${server}`);
      }
    }
  }
  return { result: { changed, registration }, errors: [], warnings };
}

/** Undoes what {@link setUpClient} did on this machine, and nothing else. */
export async function removeClient(ports: Ports, { dryRun }: { dryRun: boolean }): Promise<Removed> {
  const memory = new Memory(ports.state);
  const { key, conf, service } = memory.kept;
  const changed: string[] = [];
  if (conf !== null) {
    changed.push(`${conf.file} is as it was`);
    if (!dryRun) {
      await ports.files.edit(conf.file, (text) => undoneConf(text, conf), { mode: CONF_MODE });
      memory.keep({ conf: null, registered: null });
    }
  }
  if (service !== null && service.kind !== 'none') {
    changed.push('the Puppet agent is as it was');
    if (!dryRun) await switchBack(service, ports);
  }
  if (!dryRun && service !== null) memory.keep({ service: null });
  // The key last: as long as something is left to do, whoever came by it can come again.
  if (key !== null) {
    changed.push(`the key is out of ${key.file}`);
    if (!dryRun) {
      await ports.files.edit(key.file, (text) => undoneKey(text, key), { mode: 0o600 });
      memory.keep({ key: null });
    }
  }
  return { changed };
}

const MOST_BYTES = 4 * 1024 * 1024;

function undoneConf(text: string | null, { edits, made }: NonNullable<Kept['conf']>): string | null {
  if (text === null) return null;
  const left = withoutSettings(text, edits);
  return made && left.trim() === '' ? null : left;
}

function undoneKey(text: string | null, { line, made }: NonNullable<Kept['key']>): string | null {
  if (text === null) return null;
  const left = withoutKey(text, line);
  return made && left === '' ? null : left;
}

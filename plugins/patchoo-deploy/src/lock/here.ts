import type { PluginContext } from '@d3/sdk';
import type { Teletype } from '@d3/show';
import { promptHere } from '../asking/here.ts';
import type { Keeper } from '../asking/keeper.ts';
import { releaseAsItIs, retry, skip } from '../decide.ts';
import type { Parts } from '../parts.ts';
import { paused } from '../paused.ts';
import { screenHere } from '../screen-here.ts';
import type { Action } from '../screens/escape.ts';
import { languageOf, readTexts } from '../screens/texts.ts';
import type { LockFacts } from '../screens/views.ts';
import { CodeGate, readCode } from './code.ts';
import { type Decided, keepLocked, type LockParts } from './lock.ts';
import { LogLine } from './log-line.ts';

export interface LockHere {
  parts: Parts;
  ports: PluginContext;
  /** At a Mac's login window, or before who is logged in; null: wherever the screen is. */
  at: 'login' | 'session' | null;
  teletype: Teletype | null;
  /** Who keeps its record; asked when somebody fills it in. */
  keeper: () => Promise<Keeper>;
}

/** What can be decided at the lock of a machine. */
const CAN: readonly Action[] = ['fill', 'retry', 'skip', 'release'];

/** Locks the screen of this machine until its deployment is over. @throws D3Error refused for a code that others could read */
export async function lockHere({ parts, ports, at, teletype, keeper }: LockHere): Promise<'over' | 'stopped'> {
  const { settings } = parts;
  const facts = () => factsHere(parts, serial);
  const { serial } = await ports.machine.facts();
  if ((await facts()) === null) return 'over';
  const { lockCodeFile: file } = settings;
  const owner = process.getuid?.() ?? 0;
  const code = file === null ? null : () => readCode(ports.files, file, owner);
  // One that cannot be used is said now, not when it is needed.
  await code?.();
  const texts = readTexts(settings.texts, languageOf(settings));
  const screen = await screenHere({ ports, show: settings.show, teletype, at });
  const log = new LogLine(ports.root, settings.feedbackLog, settings.feedbackIgnore);
  const lock: LockParts = {
    screen,
    texts,
    icon: settings.icon,
    contact: settings.contact,
    facts,
    logLine: () => log.newest(),
    isCode: code === null ? null : new CodeGate(code, () => performance.now()).isCode,
    can: CAN,
    decide: (decided) => decide(parts, decided),
    fill: async (by) => {
      const prompted = await promptHere({ keeper: await keeper(), ports, settings, screen, atOnce: true });
      const { state, written, reasons } = prompted;
      lock.say(`${by} was asked what this machine is: ${[state, ...reasons].join('; ')}`);
      // It looks at once, not when its next look is due.
      if (written === 'yes') await retry(parts, by);
    },
    say: (line) => ports.ui({ type: 'note', target: null, text: line }),
    now: () => ports.clock.now(),
    pause: (seconds) => paused(seconds, ports.signal),
    every: settings.lockSeconds,
    signal: ports.signal,
  };
  try {
    return await keepLocked(lock);
  } finally {
    // Last of all: until here it is locked.
    await screen.close();
  }
}

async function factsHere({ memory, ports }: Parts, serial: string | null): Promise<LockFacts | null> {
  const deployment = memory.deployment();
  if (deployment === null || (deployment.end !== null && !deployment.end.closing)) return null;
  const run = await ports.runs.get(deployment.run);
  if (run === null) return null;
  const { hold, trouble } = deployment;
  return { run, hold, trouble, serial, said: (await ports.runs.log(run.id)).at(-1) ?? null };
}

async function decide(parts: Parts, { action, by, why }: Decided): Promise<void> {
  if (action === 'retry') await retry(parts, by);
  else if (action === 'skip') await skip(parts, { by, why });
  else await releaseAsItIs(parts, { by, why });
}

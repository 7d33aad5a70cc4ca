import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import { promisify } from 'node:util';
import type { ShowPrograms } from './places.ts';

/** Who sits at the machine's screen. */
export type Session =
  /** Somebody is logged in there. `environment` is what a window of theirs needs; it is theirs, and only for what runs as them. */
  | { kind: 'user'; uid: number; gid: number; environment: Readonly<Record<string, string>> }
  /** A Mac's login window. */
  | { kind: 'login' }
  /** No screen that anything could be put on. */
  | { kind: 'none'; reason: string };

/** Variables that lead to somebody's screen. */
const SCREEN = ['DISPLAY', 'XAUTHORITY', 'WAYLAND_DISPLAY', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'];
const PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';

/** Looks who is there now. */
export async function sessionNow(platform: NodeJS.Platform, programs: ShowPrograms): Promise<Session> {
  if (platform === 'darwin') return macSession(programs);
  const root = process.getuid?.() === 0;
  if (!root) return ownSession();
  return linuxSession(programs);
}

/** The console belongs to who is logged in; to root at the login window; to Setup Assistant's own user before there is anybody. */
function macSession({ console }: ShowPrograms): Session {
  const { uid, gid } = statSync(console);
  if (uid === 0) return { kind: 'login' };
  return { kind: 'user', uid, gid, environment: {} };
}

/** Whoever runs this by themselves has their own screen or none. */
function ownSession(): Session {
  const environment = ofScreen(process.env);
  const { uid, gid } = os.userInfo();
  if (environment === null) return { kind: 'none', reason: 'there is no DISPLAY or WAYLAND_DISPLAY' };
  return { kind: 'user', uid, gid, environment: { ...environment, HOME: os.homedir(), PATH } };
}

async function linuxSession({ loginctl }: ShowPrograms): Promise<Session> {
  let listed: { seat?: string | null; uid?: number; session?: string }[];
  try {
    const { stdout } = await promisify(execFile)(loginctl, ['list-sessions', '--output=json'], {
      timeout: 5000,
      env: { PATH },
    });
    listed = JSON.parse(stdout) as typeof listed;
  } catch {
    return { kind: 'none', reason: 'nobody can say who is logged in: loginctl does not answer' };
  }
  for (const { seat, uid, session } of listed) {
    if (!seat || typeof uid !== 'number' || session === undefined) continue;
    const found = ofProcesses(uid, session);
    if (found !== null) return { kind: 'user', uid, gid: found.gid, environment: found.environment };
  }
  return { kind: 'none', reason: 'nobody is logged in at the screen' };
}

/** A session's screen, as its own processes know it. What they say is only ever used for what runs as the same user. */
function ofProcesses(uid: number, session: string): { gid: number; environment: Record<string, string> } | null {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const about = statSync(`/proc/${pid}`);
      if (about.uid !== uid) continue;
      const variables = Object.fromEntries(
        readFileSync(`/proc/${pid}/environ`, 'latin1')
          .split('\0')
          .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)] as const),
      );
      const environment = ofScreen(variables);
      if (environment === null || variables['XDG_SESSION_ID'] !== session) continue;
      const { HOME = '/', USER = '' } = variables;
      return { gid: about.gid, environment: { ...environment, HOME, USER, LOGNAME: USER, PATH } };
    } catch {
      // It ended meanwhile.
    }
  }
  return null;
}

function ofScreen(variables: Readonly<Record<string, string | undefined>>): Record<string, string> | null {
  if (!variables['DISPLAY'] && !variables['WAYLAND_DISPLAY']) return null;
  return Object.fromEntries(
    SCREEN.flatMap((name) => (variables[name] === undefined ? [] : [[name, variables[name]] as [string, string]])),
  );
}

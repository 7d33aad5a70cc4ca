import { type Session, SHOW_PROGRAMS, sessionNow } from '@d3/show';
import type { Console } from '../rules/start.ts';

/** Setup Assistant's own user, who is at a Mac's screen before there is anybody. */
const SETUP_ASSISTANT = '_mbsetupuser';

/** Who is at the screen of this machine. A root folder is nobody's. @param user who is logged in there */
export async function consoleNow(
  root: string,
  user: string | null,
  session: () => Promise<Session> = () => sessionNow(process.platform, SHOW_PROGRAMS),
): Promise<Console> {
  if (root !== '/') return 'nobody';
  if ((await session()).kind !== 'user') return 'nobody';
  return user === SETUP_ASSISTANT ? 'setup-assistant' : 'user';
}

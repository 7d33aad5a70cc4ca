import type { Foreman } from './client.ts';

/** What an installer will run on a host, as Foreman renders it; null: it has nothing to render. */
export async function renderedTemplate(foreman: Foreman, id: number): Promise<string | null> {
  const answer = await foreman.find('template', { params: { id, kind: 'provision' } });
  const { template } = (answer ?? {}) as { template?: unknown };
  return typeof template === 'string' && template !== '' ? template : null;
}

/** What to do about each. */
export const TEMPLATE_NEXT: Readonly<Record<TemplateCheck['what'], string>> = {
  agent: 'Put the snippet into the provision template: d3 foreman snippets',
  registration: 'Let the run of the agent have --tags no_such_tag, or take the snippet: d3 foreman snippets',
  key: 'Put the snippet with the key of its proxy into the provision template: d3 foreman snippets --proxy NAME',
};

/** What a rendered provision template was found to do. */
export interface TemplateCheck {
  what: 'agent' | 'registration' | 'key';
  ok: boolean;
  says: string;
}

const AGENT = String.raw`(?:puppet(?:-agent|\.service)?|openvox(?:-agent)?)`;
/** Lines after which the agent's service is on, now or at the next start. */
const ON = [
  new RegExp(String.raw`\bsystemctl\s+(?:-\S+\s+)*(?:enable|start|restart|unmask)\b.*\b${AGENT}\b`),
  new RegExp(String.raw`\b(?:service|invoke-rc\.d)\s+${AGENT}\s+(?:re)?start\b`),
  new RegExp(String.raw`\bchkconfig\s.*\b${AGENT}\s+on\b`),
  new RegExp(String.raw`\bupdate-rc\.d\s+${AGENT}\s+(?:enable|defaults)\b`),
  new RegExp(String.raw`\bpuppet\s+resource\s+service\s+${AGENT}\b.*\b(?:ensure=(?:running|true)|enable=true)\b`),
  /\bSTART=["']?yes\b/,
];
/** And after which it is off. */
const OFF = [
  new RegExp(String.raw`\bsystemctl\s+(?:-\S+\s+)*(?:disable|mask)\b.*\b${AGENT}\b`),
  new RegExp(String.raw`\bchkconfig\s.*\b${AGENT}\s+off\b`),
  new RegExp(String.raw`\bupdate-rc\.d\s+(?:-f\s+)?${AGENT}\s+(?:disable|remove)\b`),
  new RegExp(String.raw`\bpuppet\s+resource\s+service\s+${AGENT}\b.*\benable=false\b`),
  /\bSTART=["']?no\b/,
];
const INSTALLS = /\b(?:apt(?:-get)?|yum|dnf|zypper)\b.*\b(?:puppet|openvox)|^\s*(?:puppet|openvox)(?:-agent)?\s*$/;
const RUNS = /\b(?:puppet|openvox)\s+agent\b/;

/**
 * Looks at what an installer will do to a machine, by the text that Foreman rendered for it: the last word about the agent's service counts,
 * its runs apply nothing, and the key is there by which the machine is reached afterwards.
 * @param keys public keys, `type base64 comment`, of which each has to be there; empty: nobody knows of one
 */
export function checkTemplate(text: string, keys: readonly string[]): TemplateCheck[] {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  return [agent(lines), registration(lines), key(lines, keys)];
}

function agent(lines: readonly string[]): TemplateCheck {
  let last: { on: boolean; line: string } | null = null;
  for (const line of lines) {
    if (OFF.some((one) => one.test(line))) last = { on: false, line };
    else if (ON.some((one) => one.test(line))) last = { on: true, line };
  }
  const what = 'agent';
  if (last !== null)
    return last.on
      ? { what, ok: false, says: `it switches the agent on: "${last.line.trim()}"` }
      : { what, ok: true, says: `it keeps the agent off: "${last.line.trim()}"` };
  if (lines.some((line) => INSTALLS.test(line) || RUNS.test(line)))
    return { what, ok: false, says: 'it installs an agent, and nothing in it keeps that off' };
  return { what, ok: true, says: 'it installs no agent' };
}

function registration(lines: readonly string[]): TemplateCheck {
  const what = 'registration';
  const joined = lines.join('\n').replaceAll(/\\\n/g, ' ').split('\n');
  const applying = joined.find(
    (line) => RUNS.test(line) && !/--tags[ =]["']?no_such_tag\b|--noop\b|--disable\b|--enable\b/.test(line),
  );
  return applying === undefined
    ? { what, ok: true, says: 'no run of the agent in it applies anything' }
    : { what, ok: false, says: `it runs the agent, which applies a catalog: "${applying.trim()}"` };
}

function key(lines: readonly string[], keys: readonly string[]): TemplateCheck {
  const what = 'key';
  if (keys.length === 0) return { what, ok: false, says: 'nobody knows the key by which it is to be reached' };
  const text = lines.join('\n');
  const missing = keys.filter((one) => !text.includes(one.trim().split(/\s+/)[1] ?? one));
  return missing.length === 0
    ? { what, ok: true, says: 'it sets the authorized key' }
    : { what, ok: false, says: `it does not set the authorized key ${short(missing[0] as string)}` };
}

function short(one: string): string {
  const [type = '', base64 = '', comment = ''] = one.trim().split(/\s+/);
  return `${type} …${base64.slice(-8)}${comment === '' ? '' : ` ${comment}`}`;
}

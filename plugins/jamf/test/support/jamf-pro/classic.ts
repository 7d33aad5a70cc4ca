import type { Group } from './groups.ts';
import type { Json, Row } from './lists.ts';

export interface ClassicAnswer {
  status: number;
  body: string;
  type: string;
}

/** What the Classic API shows of the server. */
export interface ClassicData {
  policies: readonly Row[];
  groups: readonly Group[];
  computers: readonly Row[];
}

/** Paths of the Classic API's schema that are asked for here, and what each needs. */
const ROUTES: ReadonlyArray<{ template: string; pattern: RegExp; privileges: readonly string[] }> = [
  { template: '/JSSResource/policies', pattern: /^\/JSSResource\/policies$/, privileges: ['Read Policies'] },
  {
    template: '/JSSResource/policies/id/{id}',
    pattern: /^\/JSSResource\/policies\/id\/(\d+)$/,
    privileges: ['Read Policies'],
  },
  {
    template: '/JSSResource/policies/name/{name}',
    pattern: /^\/JSSResource\/policies\/name\/([^/]+)$/,
    privileges: ['Read Policies'],
  },
  {
    template: '/JSSResource/computergroups/id/{id}',
    pattern: /^\/JSSResource\/computergroups\/id\/(\d+)$/,
    privileges: ['Read Smart Computer Groups', 'Read Static Computer Groups'],
  },
];

const SINGULAR: Readonly<Record<string, string>> = {
  policies: 'policy',
  categories: 'category',
  criteria: 'criterion',
};

export function classicRoute(
  method: string,
  asked: string,
): { template: string; privileges: readonly string[] } | null {
  return (method === 'GET' && ROUTES.find(({ pattern }) => pattern.test(asked))) || null;
}

/** Answers as the Classic API does: in XML unless JSON is asked for, and refusals as HTML. */
export function classicAnswer(asked: string, accept: string, data: ClassicData): ClassicAnswer {
  const [name, content] = contentOf(asked, data);
  if (content === null)
    return classicRefusal(404, 'Not Found', 'The server has not found anything matching the request URI');
  if (/\bapplication\/json\b/.test(accept))
    return { status: 200, body: JSON.stringify({ [name]: content }), type: 'text/plain;charset=UTF-8' };
  const body = `<?xml version="1.0" encoding="UTF-8"?>${element(name, content)}`;
  return { status: 200, body, type: 'text/xml;charset=UTF-8' };
}

export function classicRefusal(status: number, title: string, says: string): ClassicAnswer {
  const body = `<html>\n<head>\n   <title>Status page</title>\n</head>\n<body style="font-family: sans-serif;">\n<p>${title}</p>\n<p>${says}</p>\n<p>You can get technical details <a href="http://www.w3.org/">here</a>.</p>\n</body>\n</html>\n`;
  return { status, body, type: 'text/html;charset=UTF-8' };
}

function contentOf(asked: string, { policies, groups, computers }: ClassicData): [string, unknown] {
  const [, , kind, by, key = ''] = asked.split('/').map(decodeURIComponent);
  if (kind === 'policies' && by === undefined)
    return ['policies', policies.map((one) => ({ id: Number(one.id), name: nameOf(one) }))];
  if (kind === 'policies') {
    const found = policies.find((one) => (by === 'id' ? one.id === key : nameOf(one) === key));
    const { id: _, ...sections } = found ?? { id: '' };
    return ['policy', found === undefined ? null : sections];
  }
  const group = groups.find(({ id }) => id === key);
  if (group === undefined) return ['computer_group', null];
  const members = group.members.map((id) => {
    const general = computers.find((one) => one.id === id)?.['general'] as Json | undefined;
    return { id: Number(id), name: general?.['name'] ?? `computer-${id}` };
  });
  return ['computer_group', { id: Number(group.id), name: group.name, is_smart: group.smart, computers: members }];
}

function nameOf(policy: Row): unknown {
  return (policy['general'] as Json | undefined)?.['name'];
}

function element(name: string, value: unknown): string {
  if (Array.isArray(value)) {
    const one = SINGULAR[name] ?? name.replace(/s$/, '');
    return `<${name}><size>${value.length}</size>${value.map((item) => element(one, item)).join('')}</${name}>`;
  }
  if (value !== null && typeof value === 'object') {
    const inner = Object.entries(value).map(([key, item]) => element(key, item));
    return `<${name}>${inner.join('')}</${name}>`;
  }
  return `<${name}>${escaped(typeof value === 'string' ? value : JSON.stringify(value ?? '').replaceAll('"', ''))}</${name}>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

import { randomUUID } from 'node:crypto';

export const SNIPPETS = ['policy', 'attributes', 'profile'] as const;
export type SnippetKind = (typeof SNIPPETS)[number];

/** Something to put into Jamf Pro; a type, so that it is JSON. */
export type Snippet = { kind: SnippetKind; name: string; where: string; text: string };

/** What a profile says; null leaves it to the configuration of each Mac. */
export interface Managed {
  /** Address of the depot. */
  depot: string | null;
  /** Address of Jamf Pro. */
  server: string | null;
}

const POLICIES: readonly Omit<Snippet, 'kind'>[] = [
  {
    name: 'Sync',
    where: 'Files and Processes, Execute Command; trigger: recurring check-in; frequency: ongoing',
    text: 'd3 sync -a jamf --wait 15m',
  },
  {
    name: 'What waits for a restart',
    where: 'Files and Processes, Execute Command; trigger: logout; frequency: ongoing',
    text: 'd3 puppytime run',
  },
  {
    name: 'Tell of what waits for a restart',
    where: 'Files and Processes, Execute Command; the event of puppytime.notificationPolicy; frequency: ongoing',
    text: 'd3 puppytime tell',
  },
  {
    name: 'One package for Self Service',
    where: 'Files and Processes, Execute Command; Self Service; firefox stands for its basename',
    text: 'd3 install firefox -a jamf --wait 15m',
  },
  {
    name: 'Take over what Jamf Pro installed',
    where: 'Files and Processes, Execute Command; trigger: recurring check-in; frequency: once per computer',
    text: 'd3 jamf import --receipts',
  },
];

const ATTRIBUTES = [
  { name: 'd3 report', command: 'd3 ea report', use: 'its name goes into jamf.reportAttribute' },
  { name: 'd3 receipts', command: 'd3 ea receipts', use: 'its name goes into jamf.receiptsAttribute' },
  { name: 'd3 queue', command: 'd3 ea queue', use: 'its name goes into jamf.queueAttribute' },
  {
    name: 'd3 provisioning',
    command: 'd3 ea provisioning',
    use: 'a smart group of Macs that hold: d3 provisioning is holding; of those done: d3 provisioning is released',
  },
];

/** What a site puts into Jamf Pro for d3, all of it or of one kind. */
export function snippets(kinds: readonly SnippetKind[], managed: Managed): Snippet[] {
  const all: Snippet[] = [
    ...POLICIES.map((one): Snippet => ({ kind: 'policy', ...one })),
    ...ATTRIBUTES.map(
      ({ name, command, use }): Snippet => ({
        kind: 'attributes',
        name,
        where: `Extension attribute, data type String, input type Script; ${use}`,
        text: attributeScript(command),
      }),
    ),
    {
      kind: 'profile',
      name: 'Settings of d3',
      where: 'Configuration Profiles, Upload; the secret of an API client has no place in it',
      text: profile(managed),
    },
  ];
  return all.filter(({ kind }) => kinds.includes(kind));
}

/** d3 prints the whole element, also for what goes wrong; without d3 the inventory says so and goes on. */
function attributeScript(command: string): string {
  return `#!/bin/sh
PATH="$PATH:/usr/local/bin"
if command -v d3 >/dev/null 2>&1; then
  ${command}
else
  echo '<result>ERROR: d3 is not installed</result>'
fi
exit 0`;
}

/** What is managed counts before everything else that is configured on a Mac. */
function profile({ depot, server }: Managed): string {
  const settings = [
    ...(depot === null ? [] : [entry('depot', depot)]),
    dict('jamf', [...(server === null ? [] : [entry('server', server)]), entry('inventory', 'after-change')]),
  ];
  const payload = (type: string, identifier: string) => [
    entry('PayloadType', type),
    entry('PayloadIdentifier', identifier),
    entry('PayloadUUID', randomUUID().toUpperCase()),
    entry('PayloadDisplayName', 'Settings of d3'),
    '<key>PayloadVersion</key><integer>1</integer>',
  ];
  const forced = `<key>Forced</key><array><dict>${dict('mcx_preference_settings', settings)}</dict></array>`;
  const inner = [
    ...payload('com.apple.ManagedClient.preferences', 'org.d3.settings.preferences'),
    dict('PayloadContent', [dict('org.d3', [forced])]),
  ];
  const outer = [
    ...payload('Configuration', 'org.d3.settings'),
    entry('PayloadScope', 'System'),
    `<key>PayloadContent</key><array><dict>${inner.join('\n')}</dict></array>`,
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
${outer.join('\n')}
</dict></plist>`;
}

function dict(key: string, entries: readonly string[]): string {
  return `<key>${key}</key><dict>\n${entries.join('\n')}\n</dict>`;
}

function entry(key: string, value: string): string {
  const text = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<key>${key}</key><string>${text}</string>`;
}

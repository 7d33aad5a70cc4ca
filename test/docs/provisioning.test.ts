import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { followed } from '../support/pages/follow.ts';

followed('docs/provisioning.md', {
  env: { D3_FLAG_ADMIN: 'sally' },
  async begin(reader) {
    const mac = path.join(reader.dir, 'mac');
    mkdirSync(path.join(mac, 'etc'), { recursive: true });
    writeFileSync(path.join(mac, 'facts.json'), '{"serial": "C02ABC123", "name": "mac", "processes": []}');
    for (const script of ['config', 'studio', 'office'])
      writeFileSync(path.join(reader.dir, script), '#!/bin/sh\n', { mode: 0o755 });
    reader.standsFor('/etc/d3.webhook', path.join(mac, 'etc/d3.webhook'));
    await reader.does('export D3_DEPOT="$PWD/depot" D3_ROOT="$PWD/mac" && d3 depot init depot');
  },
  before: {
    // By then it was set up, has begun, and nobody has said what it is.
    'd3 provision hold list': async ({ does }) => {
      await does('d3 provision run --no-wait || test $? = 43');
    },
  },
});

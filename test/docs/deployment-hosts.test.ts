import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { followed } from '../support/pages/follow.ts';

followed('docs/deployment-hosts.md', {
  env: { D3_FLAG_ADMIN: 'sally' },
  async begin(reader) {
    const host = path.join(reader.dir, 'web1');
    mkdirSync(path.join(host, 'root'), { recursive: true });
    mkdirSync(path.join(host, 'etc/ssh'), { recursive: true });
    writeFileSync(path.join(host, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    await reader.does('ssh-keygen -q -t ed25519 -N "" -f web1/etc/ssh/ssh_host_ed25519_key');
    await reader.does('export D3_DEPOT="$PWD/depot" D3_ROOT="$PWD/web1" && d3 depot init depot');
    await reader.does('d3 proxy add dmz --address jump.example.org && d3 proxy key dmz');
    const { result } = JSON.parse(await reader.does('d3 proxy answers dmz --json')) as { result: { answers: object } };
    writeFileSync(path.join(reader.dir, 'd3-answers.json'), JSON.stringify(result.answers));
  },
});

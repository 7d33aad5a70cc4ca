import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ForemanStandIn, TOKEN } from '../../plugins/staypuft/test/support/foreman.ts';
import { followed } from '../support/pages/follow.ts';

followed('docs/foreman.md', {
  env: { D3_FLAG_ADMIN: 'sally' },
  async begin(reader) {
    const foreman = new ForemanStandIn();
    const url = await foreman.start();
    reader.atEnd(() => foreman.stop());
    foreman.environment('discovery');
    foreman.environment('production');
    const subnet = foreman.subnet('127.0.0.0', '255.0.0.0');
    for (const title of ['base', 'base/shop', 'base/shop/web']) foreman.hostgroup(title, 'production', subnet);
    foreman.proxy('proxy.example.org', ['Puppet CA', 'TFTP', 'SSH'], 'ssh-ed25519 AAAAC3Nzremote foreman-proxy');
    foreman.runmode();
    const file = (name: string, text: string) => {
      writeFileSync(path.join(reader.dir, name), text, { mode: 0o600 });
      return path.join(reader.dir, name);
    };
    const tokenFile = file('token', `${TOKEN}\n`);
    const settings = { url, user: 'd3', tokenFile, hostgroup: 'base/shop' };
    mkdirSync(path.join(reader.dir, 'host/etc'), { recursive: true });
    file('host/etc/d3.json', JSON.stringify({ foreman: settings }));
    reader.standsFor('/etc/d3/proxy.pub', file('proxy.pub', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey d3@proxy\n'));
    file('registrations.yaml', 'hosts: [{name: db1.example.org}]\n');
    await reader.does('export D3_DEPOT="$PWD/depot" D3_ROOT="$PWD/host" && d3 depot init depot');
    // What administers a depot reads the configuration of the host it is on, which is nobody's business here.
    await reader.does(`export D3_FLAG_URL=${url} D3_FLAG_USER=d3 D3_FLAG_TOKEN_FILE='${tokenFile}'`);
    await reader.does('d3 proxy add site-a --address jump.example.org && d3 proxy key site-a');
  },
});

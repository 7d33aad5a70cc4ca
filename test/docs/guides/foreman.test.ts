import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ForemanStandIn, TOKEN } from '../../../plugins/staypuft/test/support/foreman.ts';
import { factsOf } from '../../../plugins/staypuft/test/support/foreman-site.ts';
import { followed } from '../../support/pages/follow.ts';

followed('docs/guides/foreman.md', {
  env: { D3_FLAG_ADMIN: 'sally' },
  async begin(reader) {
    const foreman = new ForemanStandIn();
    const url = await foreman.start();
    reader.atEnd(() => foreman.stop());
    foreman.discoveryReboot = false;
    foreman.environment('discovery', ['d3_agent']);
    foreman.environment('production', ['d3_agent']);
    foreman.proxy('proxy.example.org', ['Puppet CA', 'TFTP', 'Discovery']);
    foreman.runmode();
    const subnet = foreman.subnet('10.77.0.0', '255.255.0.0');
    for (const title of ['base/shop', 'base/shop/db', 'base/shop/web']) foreman.hostgroup(title, 'production', subnet);
    for (const number of [1, 2, 3, 4]) {
      const [mac, ip] = [`52:54:00:77:00:0${number}`, `10.77.${number}.2`];
      foreman.discovered(`mac${mac.replaceAll(':', '')}`, ip, mac, factsOf(mac, ip));
    }
    const environment_id = foreman.environments.find(({ name }) => name === 'discovery')?.id ?? null;
    for (const [at, name] of ['db1', 'db2', 'web1', 'web2'].entries())
      foreman.registered(`${name}.example.org`, { environment_id, ip: `10.77.${at + 5}.2` });
    const tokenFile = path.join(reader.dir, 'token');
    writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
    mkdirSync(path.join(reader.dir, 'host/etc'), { recursive: true });
    const settings = { url, user: 'd3', tokenFile, hostgroup: 'base/shop' };
    writeFileSync(path.join(reader.dir, 'host/etc/d3.json'), JSON.stringify({ foreman: settings }));
    await reader.does('export D3_DEPOT="$PWD/depot" D3_ROOT="$PWD/host" && d3 depot init depot');
    await reader.does(`export D3_FLAG_URL=${url} D3_FLAG_USER=d3 D3_FLAG_TOKEN_FILE='${tokenFile}'`);
  },
});

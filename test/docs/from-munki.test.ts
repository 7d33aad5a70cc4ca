import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from '@d3/flatpkg';
import { MunkiRepository } from '../support/munki.ts';
import { followed } from '../support/pages/follow.ts';

followed('docs/from-munki.md', {
  env: { D3_FLAG_ADMIN: 'sally' },
  async begin(reader) {
    reader.standsFor('/srv/munki_repo', path.join(reader.dir, 'munki_repo'));
    reader.standsFor('/srv/d3', path.join(reader.dir, 'srv'));
    const root = path.join(reader.dir, 'payload');
    mkdirSync(path.join(root, 'Applications/Firefox.app'), { recursive: true });
    writeFileSync(path.join(root, 'Applications/Firefox.app/version'), '128.0');
    const output = path.join(reader.dir, 'firefox.pkg');
    await build({ root, output, identifier: 'org.example.firefox', version: '128.0' });
    const repository = new MunkiRepository(path.join(reader.dir, 'munki_repo'));
    repository.item('Firefox', '128.0', output);
    repository.manifest('mac-1', { included_manifests: ['lab'] });
    repository.manifest('lab', { managed_installs: ['Firefox'] });
    mkdirSync(path.join(reader.dir, 'mac-1'));
    const facts = { name: 'mac-1', os: { name: 'macOS', version: '15.1' }, processes: [] };
    writeFileSync(path.join(reader.dir, 'mac-1/facts.json'), JSON.stringify(facts));
    await reader.does('export D3_ROOT="$PWD/mac-1" D3_DEPOT="$PWD/srv"');
  },
});

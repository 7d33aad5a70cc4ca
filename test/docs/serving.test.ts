import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { selfSigned } from '../support/certificates.ts';
import { followed, type Reader } from '../support/pages/follow.ts';
import { freePort } from '../support/postgres.ts';

let url = '';

/** On the depot's own host: what a reader does there goes to the folder, not to the server. */
const there = async ({ does }: Reader): Promise<void> => {
  await does('export D3_DEPOT="$PWD/srv"');
};

followed('docs/serving.md', {
  goOn: { 'd3 depot serve': /"url":"/ },
  // Who reads this sits at a terminal, and says yes where they are asked.
  env: { D3_FLAG_ADMIN: 'sally', D3_FLAG_AUTO_CONFIRM: '1' },
  async begin(reader) {
    const { cert, key } = selfSigned();
    writeFileSync(path.join(reader.dir, 'depot.pem'), cert);
    writeFileSync(path.join(reader.dir, 'depot.key'), key, { mode: 0o600 });
    const [tls, plain] = [await freePort(), await freePort()];
    reader.standsFor('/srv/d3', path.join(reader.dir, 'srv'));
    reader.standsFor('0.0.0.0:8443', `127.0.0.1:${tls}`);
    reader.standsFor('10.1.2.3:8420 --proxy 10.1.2.1', `127.0.0.1:${plain}`);
    url = `http://127.0.0.1:${plain}`;
    reader.standsFor('https://depot.example.org:8443', url);
    for (const name of ['mac', 'known-1', 'known-2', 'again-1', 'again-2']) {
      mkdirSync(path.join(reader.dir, name));
      writeFileSync(path.join(reader.dir, name, 'facts.json'), `{"serial": "C02SERIAL0${name.at(-1)}"}`);
    }
    await reader.does('export D3_ROOT="$PWD/mac" && d3 depot init srv');
  },
  // A token is typed, or comes by the standard input.
  own: /config credentials/,
  before: {
    'd3admin token add ci-build': there,
    'd3admin config depot': async ({ does }) => {
      await does('unset D3_DEPOT');
    },
    // Two that were enrolled are there once more, and wait.
    'd3admin enrol list': async ({ does, standsFor }) => {
      const host = '--depot "$PWD/srv" --admin sally';
      const code = /d3c_[^\s.]+/.exec(await does(`d3admin enrol code --site ${host}`))?.[0];
      const enroll = (name: string) => `D3_ROOT=${name} d3 enroll ${url} --code ${code}`;
      for (const name of ['known-1', 'known-2']) await does(enroll(name));
      for (const name of ['again-1', 'again-2']) await does(`${enroll(name)} || test $? = 43`);
      const { result } = JSON.parse(await does(`d3admin enrol list --json ${host}`)) as {
        result: { enrolments: { id: number }[] };
      };
      for (const [index, said] of ['approve 12', 'refuse 13'].entries())
        standsFor(said, said.replace(/\d+/, String(result.enrolments[index]?.id)));
    },
    // Once there is a new key, its holder and the host are at work on one thing.
    'd3 depot keys init targets': there,
  },
  after: {
    // The second admin agrees to the new keys, and somebody without any changes something.
    'd3 depot keys sign --dry-run': async ({ does }) => {
      await does('d3 depot keys sign --keys a-second-admins');
      await does('XDG_CONFIG_HOME="$PWD/nobodys" d3admin group add waiting');
    },
    'd3 depot keys init targets': async ({ does, standsFor }, printed) => {
      const key = (text: string) => /ed25519:[0-9a-f]{64}/.exec(text)?.[0];
      const { result } = JSON.parse(await does('d3 depot keys list --json')) as {
        result: { roles: { role: string; keys: { id: string }[] }[] };
      };
      const old = result.roles.find(({ role }) => role === 'targets')?.keys[0]?.id;
      standsFor('--add ed25519:… --remove OLD', `--add ${key(printed)} --remove ${old}`);
      const second = key(await does('d3 depot keys init targets --to a-second-admins'));
      standsFor('--add ed25519:… --threshold', `--add ${second} --threshold`);
    },
    'd3admin token add sally': async ({ does, standsFor }, printed) => {
      const token = /d3t_\S+/.exec(printed)?.[0];
      standsFor('d3admin config credentials sally', `echo ${token} | d3admin config credentials sally`);
      await does('export D3_DEPOT="$PWD/srv"');
    },
    'd3admin enrol code --site': ({ standsFor }, printed) =>
      standsFor('--code CODE', `--code ${/d3c_[^\s.]+/.exec(printed)?.[0]}`),
  },
});

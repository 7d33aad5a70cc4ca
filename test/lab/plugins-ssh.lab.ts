import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { SshLab } from '../../plugins/staypuft/test/support/sshd.ts';
import { Place, plugin, type Shown } from '../plugins/place.ts';

const project = path.resolve(import.meta.dirname, '../..');

/** OpenSSH looks for an account's keys in its real home, wherever HOME is: this machine's own is covered for the one command. */
const WITH_KEYS = 'mount -t tmpfs none /root && cp -R "$1" /root/.ssh && chmod -R go= /root/.ssh && shift && exec "$@"';

describe('plugins out of repositories over ssh', () => {
  let lab: SshLab;
  let place: Place;
  let repository: string;
  let silent: Server;
  beforeEach(async () => {
    lab = new SshLab();
    place = new Place('http://127.0.0.1:9/');
    repository = path.join(place.dir, 'repository');
    const { manifest, files } = plugin('d3-night', '1.0.0', 'night');
    for (const [file, text] of Object.entries({ 'package.json': JSON.stringify(manifest), ...files }))
      place.write(path.join('repository', file), text);
    const git = (...words: string[]) => execFileSync('git', ['-C', repository, ...words]);
    git('init', '--quiet');
    git('add', '.');
    git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '-m', 'x');
    mkdirSync(lab.file('home'));
    copyFileSync(lab.file('id'), lab.file('home/id_ed25519'));
    silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    place.remove();
    await lab.remove();
    silent.close();
  });

  /** Installs with the keys of {@link lab} in root's home. */
  function install(...asked: string[]): Shown {
    const d3 = [path.join(project, 'bin/d3'), 'plugins', 'install', ...asked, '--json'];
    const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', WITH_KEYS, 'sh', lab.file('home'), ...d3], {
      cwd: place.dir,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: place.dir, ...place.env },
    });
    expect(stdout, stderr).to.match(/^\{.*\}\n$/);
    return JSON.parse(stdout) as Shown;
  }

  it('one is installed with the keys of the account, and its host key is checked', async () => {
    const { port, hostKey } = await lab.sshd('host');
    const asked = `git+ssh://root@127.0.0.1:${port}${repository}`;
    const [strange] = install(asked).errors;
    expect(strange?.code).to.equal('PLUGIN_NOT_FOUND');
    expect(strange?.message).to.contain('Host key verification failed');
    writeFileSync(lab.file('home/known_hosts'), `[127.0.0.1]:${port} ${hostKey}\n`);
    // Who that is only ssh knows.
    writeFileSync(lab.file('home/config'), `Host corp\n  HostName 127.0.0.1\n  Port ${port}\n  User root\n`);
    const { exit, errors } = install(`git+ssh://corp${repository}`);
    expect(exit, JSON.stringify(errors)).to.equal(0);
    expect(place.installed).to.deep.equal(['d3-night@1.0.0']);
    expect(await place.run(['night'])).to.deep.include({ code: 0, stdout: 'night\n', stderr: '' });
  });

  it('what a server says of a repository it does not give is told', async () => {
    place.write(
      'says',
      'remote: \nremote: =====\nremote: ERROR: There is no such project.\nremote: \nremote: =====\nremote: \n',
    );
    const { port, hostKey } = await lab.sshd('host', { lines: [`ForceCommand cat ${place.dir}/says >&2; exit 1`] });
    writeFileSync(lab.file('home/known_hosts'), `[127.0.0.1]:${port} ${hostKey}\n`);
    const [error] = install(`git+ssh://root@127.0.0.1:${port}/x.git`).errors;
    expect(error?.code).to.equal('PLUGIN_NOT_FOUND');
    expect(error?.message).to.match(/: ERROR: There is no such project\.$/);
  });

  it('where nobody answers, or somebody says nothing, that is said within seconds, and nothing changes', () => {
    const { port } = silent.address() as { port: number };
    const asked = ['1', String(port)].map((at) => `git+ssh://root@127.0.0.1:${at}/x.git`);
    const began = performance.now();
    const { exit, errors } = install(...asked);
    expect(exit).to.equal(20);
    expect(errors.map(({ code }) => code)).to.deep.equal(['REGISTRY_UNREACHABLE', 'REGISTRY_UNREACHABLE']);
    expect(errors[0]?.message).to.contain('127.0.0.1:1 cannot be reached').and.contain('Connection refused');
    expect(errors[1]?.message).to.contain('timed out');
    expect(performance.now() - began).to.be.lessThan(asked.length * 5000);
    expect(place.stored).to.deep.equal([]);
  });
});

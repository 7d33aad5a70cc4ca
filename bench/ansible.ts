/**
 * A deployment that has nothing to do on many hosts, and `ansible` with as little to do and the same fan-out, in turn: time, CPU and
 * memory of all their processes. Two real sshds stand for all hosts, each behind the same jump host; d3 calls each several times (it looks
 * whether it is there, marks it, does the step, takes the mark away); ansible once for raw, several times for a module. Both keep the
 * connection to a host for a minute, each host its own. Needs root and Debian's ansible-core.
 *
 *     node --conditions=d3-source --disable-warning=ExperimentalWarning bench/ansible.ts [HOSTS] [FORKS] [TURNS]
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DeployLab, D3 as d3Words } from '../plugins/staypuft/test/support/deploy-lab.ts';

const [count, forks, turns] = [2, 3, 4].map((n, at) => Number(process.argv[n] ?? [200, 20, 3][at])) as [
  number,
  number,
  number,
];

/** Runs the rest of its words, and leaves behind what CPU they and all they waited for took. */
const TIMES = 'out=$1; shift; "$@"; code=$?; times > "$out"; exit $code';

/** Many hosts are one machine here: each login has a place of its own for what is kept of a host. Both pay for that. */
const ALONE =
  'unshare --mount sh -c \'mkdir -p /var/lib/d3-deployment && mount -t tmpfs none /var/lib/d3-deployment && exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\'';

interface Figures {
  /** Seconds. */
  wall: number;
  cpu: number;
  /** MiB, each page once however many processes share it. */
  memory: number;
}

if (!existsSync('/usr/bin/ansible')) throw new Error('there is no ansible here: apt-get install ansible-core');
const lab = await DeployLab.make({ deployment: { abreast: forks } });
try {
  const lines = ['MaxStartups 200:30:400', `ForceCommand ${ALONE}`];
  const real = [await lab.host('one', lines), await lab.host('two', lines)];
  for (const { root } of real) mkdirSync(path.join(root, 'var/lib/d3-deployment'));
  const names = Array.from({ length: count }, (_, n) => `host-${String(n).padStart(4, '0')}`);
  const addressOf = (n: number) => real[n % real.length]?.address as string;
  const hosts = names.map((name, n) => ({ name, address: addressOf(n), user: 'root', proxy: 'dmz' }));
  const file = (name: string, text: string) => {
    const at = path.join(lab.sandbox.dir, name);
    writeFileSync(at, text, { mode: 0o600 });
    return at;
  };
  const blueprint = `schema: d3/blueprint@1
name: bench
description: Nothing to do.
roles:
  - name: all
    abreast: ${forks}
    steps:
      - script: |
          #!/bin/sh
          true
`;
  const sshConf = `Host *
  IdentityFile ${lab.key}
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
Host jump
  HostName ${lab.jump}
  User root
  ControlMaster auto
  ControlPath ${path.join(lab.sandbox.dir, 'jump.sock')}
  ControlPersist 600
`;
  const conf = file('ssh.conf', sshConf);
  const inventory = file(
    'inventory',
    names
      .map((name, n) => `${name} ansible_host=${addressOf(n)} ansible_control_path=${lab.sandbox.dir}/${n}.sock\n`)
      .join(''),
  );
  const ansible = {
    ANSIBLE_SSH_ARGS: `-F ${conf} -o ControlMaster=auto -o ControlPersist=60s -o ProxyCommand="ssh -F ${conf} -W %h:%p jump"`,
    ANSIBLE_REMOTE_USER: 'root',
    ANSIBLE_HOST_KEY_CHECKING: 'False',
    ANSIBLE_LOCAL_TEMP: path.join(lab.sandbox.dir, 'ansible'),
    ANSIBLE_RETRIES: '3',
    LC_ALL: 'C.UTF-8',
  };
  await good('proxy', 'add', 'dmz', '--address', lab.jump, '--user', 'root', '--key', lab.key, '--opening', '8');
  await good('admin', 'computer', 'discover', '--from', file('hosts.json', JSON.stringify({ hosts })));
  await good('blueprint', 'import', file('bench.yaml', blueprint));
  await good('deployment', 'create', 'bench', '--blueprint', 'bench');
  await good('deployment', 'assign', 'bench', ...names, '--role', 'all');

  const d3 = (...more: string[]) =>
    measured([...d3Words, 'deployment', 'run', 'bench', '--again', '--jobs', String(forks), ...more], {});
  const by = (which: string, ...module: string[]) =>
    measured(['/usr/bin/ansible', which, '-i', inventory, '-f', String(forks), ...module], ansible);
  const RAW = ['-m', 'raw', '-a', 'true'];
  // The first ones are not counted: they meet host keys, and fill caches.
  await d3('--limit', names[0] as string, '--limit', names[1] as string);
  await by(names.slice(0, 2).join(','), ...RAW);
  const ways = {
    d3,
    raw: () => by('all', ...RAW),
    command: () => by('all', '-m', 'command', '-a', 'true'),
  };
  const taken: Record<keyof typeof ways, Figures[]> = { d3: [], raw: [], command: [] };
  for (let turn = 0; turn < turns; turn += 1)
    for (const way of ['d3', 'raw', 'command'] as const) {
      const before = logins();
      const figures = await ways[way]();
      taken[way].push(figures);
      tell(`${way} (${((logins() - before) / count).toFixed(1)} logins a host)`, figures);
    }
  const [own, raw, command] = [median(taken.d3), median(taken.raw), median(taken.command)];
  process.stdout.write(`${count} hosts, ${forks} at once, median of ${turns}:\n`);
  tell('d3 deployment run', own);
  tell('ansible -m raw', raw);
  tell('ansible -m command', command);
  for (const [name, other] of [
    ['raw', raw],
    ['command', command],
  ] as const)
    process.stdout.write(
      `d3 against ansible -m ${name}: time ${ratio(own.wall, other.wall)}, CPU ${ratio(own.cpu, other.cpu)}, memory ${ratio(own.memory, other.memory)}\n`,
    );
} finally {
  await lab.remove();
}

async function good(...line: string[]): Promise<void> {
  const { code, stdout, stderr } = await lab.d3(...line);
  if (code !== 0) throw new Error(`${line.slice(0, 4).join(' ')} ended with ${code}: ${stderr}${stdout}`);
}

async function measured(line: readonly string[], env: Record<string, string>): Promise<Figures> {
  const out = path.join(lab.sandbox.dir, 'times');
  const began = performance.now();
  const { child, ended } = lab.types(['sh', '-c', TIMES, 'sh', out, ...line], env);
  let memory = 0;
  const watch = setInterval(() => {
    memory = Math.max(memory, memoryOf(child.pid as number));
  }, 500);
  const { code, stdout, stderr } = await ended;
  clearInterval(watch);
  const wall = (performance.now() - began) / 1000;
  if (code !== 0) throw new Error(`${line.join(' ')} ended with ${code}: ${stderr.slice(-2000)}${stdout.slice(-2000)}`);
  // The second line is that of all it waited for: user and system, minutes and seconds each.
  const [, children = ''] = readFileSync(out, 'utf8').split('\n');
  const cpu = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0);
  return { wall, cpu, memory };
}

/** MiB of a process and all below it. */
function memoryOf(root: number): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const [, parent] = /^\d+ \(.*\) \S (\d+)/s.exec(read(`/proc/${name}/stat`)) ?? [];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const isBelow = (pid: number): boolean => pid === root || (pid > 1 && isBelow(parents.get(pid) ?? 0));
  let kib = 0;
  for (const pid of parents.keys())
    if (isBelow(pid)) kib += Number(/^Pss: +(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
  return kib / 1024;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Times the two sshds of the hosts let somebody in. */
function logins(): number {
  return ['one', 'two']
    .map((name) => read(path.join(lab.sandbox.dir, 'hosts', name, 'sshd.log')))
    .reduce((sum, log) => sum + (log.match(/Accepted publickey/g)?.length ?? 0), 0);
}

function median(all: readonly Figures[]): Figures {
  const of = (which: keyof Figures) =>
    all.map((one) => one[which]).toSorted((a, b) => a - b)[Math.floor(all.length / 2)] as number;
  return { wall: of('wall'), cpu: of('cpu'), memory: of('memory') };
}

function tell(name: string, { wall, cpu, memory }: Figures): void {
  process.stdout.write(
    `${name.padEnd(26)} ${wall.toFixed(1)} s (${(count / wall).toFixed(1)} hosts a second), CPU ${cpu.toFixed(1)} s, at most ${memory.toFixed(0)} MiB\n`,
  );
}

function ratio(one: number, other: number): string {
  return `${(one / other).toFixed(2)}x`;
}

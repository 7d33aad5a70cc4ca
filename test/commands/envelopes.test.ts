import { globSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { repository } from '../cli/spawn.ts';
import { envelopeBreach } from '../support/schemas.ts';
import { linesOf } from './lines.ts';

/** Commands whose --json is a stream of lines that the envelope ends: the listed exceptions. */
const STREAMS: readonly string[] = ['run watch'];

/** Commands that go on until they are told to stop; `depot init nothing` has made them a depot by then. */
const SERVERS: readonly string[] = ['depot serve', 'run worker'];

describe('depot3:D10 --json', function () {
  // Each command is started three times.
  this.timeout(300_000);
  let dir: string;
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-json-')));
    mkdirSync(path.join(dir, 'a'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const commands = globSync('**/*.ts', { cwd: path.join(repository, 'src/commands') })
    .map((file) => file.replace(/\.ts$/, '').split(path.sep))
    .toSorted();

  it('is one envelope on stdout from every command, bare, with a word that names nothing, and wrongly used', async () => {
    expect(commands.length).to.be.greaterThan(30);
    const env = { D3_ROOT: path.join(dir, 'a'), D3_DEPOT: path.join(dir, 'depot'), USER: 'sally' };
    const lines = commands.flatMap((command) => {
      const isServer = SERVERS.includes(command.join(' '));
      return [...(isServer ? [] : [[], ['nothing']]), ['--no-such-flag']].map((words) => ({
        argv: [...command, ...words, '--json'],
        env,
      }));
    });
    const ended = await linesOf(lines, dir);
    for (const [at, { code, stdout, stderr }] of ended.entries()) {
      const { argv = [] } = lines[at] ?? {};
      const line = argv.join(' ');
      const documents = stdout.trimEnd().split('\n');
      const streams = STREAMS.some((command) => line.startsWith(command));
      if (!streams) expect(documents, `${line}: ${stdout}${stderr}`).to.have.length(1);
      const envelope = JSON.parse(documents.at(-1) as string) as Record<string, unknown>;
      expect(envelope, line).to.have.all.keys('d3', 'command', 'exit', 'run', 'result', 'errors', 'warnings');
      expect(envelope, line).to.include({ d3: 1, exit: code });
      expect(envelopeBreach(stdout), line).to.equal(null);
      expect(code, `${line}: ${stdout}`).not.to.equal(10);
      expect(argv.join(' ').startsWith(envelope['command'] as string), line).to.equal(true);
      if (code !== 0) {
        const [first] = envelope['errors'] as { code: string; message: string; actions: string[] }[];
        expect(first, line).to.include.keys('code', 'message', 'target', 'actions');
      }
      if (argv.includes('--no-such-flag')) expect(code, line).to.equal(2);
    }
  });
});

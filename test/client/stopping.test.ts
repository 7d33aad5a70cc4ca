import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { d3 } from '../cli/spawn.ts';
import { Sandbox } from '../support/sandbox.ts';

describe('d3 that is stopped while a script runs', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  for (const [signals, what] of [
    [1, 'ends a script that does not listen, before it ends itself'],
    [2, 'ends it at once when told twice'],
  ] as const) {
    it(what, async () => {
      const said = path.join(sandbox.dir, 'pid');
      const script = path.join(sandbox.dir, 'deaf.sh');
      writeFileSync(
        script,
        `#!/bin/sh\ntrap "" TERM INT\necho $$ > ${said}.new && mv ${said}.new ${said}\nwhile :; do sleep 1; done\n`,
      );
      await sandbox.add('tool', '1', { live: true, preInstall: script });
      const { root } = sandbox.machine('mac-a');
      let ended = 0;
      const { code, stderr } = await d3(['install', 'tool', '--root', root, '--depot', sandbox.depot, '--no-input'], {
        env: { USER: 'sally' },
        running: (child) => {
          child.once('exit', () => (ended = Date.now()));
          void (async () => {
            while (!existsSync(said) && child.exitCode === null) await sleep(50);
            for (let sent = 0; sent < signals; sent += 1) {
              child.kill('SIGTERM');
              await sleep(200);
            }
          })();
        },
      });
      expect(code, stderr).to.equal(143);
      expect(ended).to.be.greaterThan(0);
      expect(isRunning(Number(readFileSync(said, 'utf8')))).to.equal(false);
    });
  }
});

function isRunning(pid: number): boolean {
  try {
    // One that nobody has waited for yet runs no more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    try {
      process.kill(pid, 0);
      return process.platform !== 'linux';
    } catch {
      return false;
    }
  }
}

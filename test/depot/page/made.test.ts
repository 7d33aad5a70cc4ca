import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { makePage } from '../../../scripts/page.ts';
import { d3Program, repository } from '../../cli/spawn.ts';
import { Sandbox } from '../../support/sandbox.ts';

describe('how the page is made', () => {
  it('comes out the same each time, each part with its hash in its name and nothing from elsewhere', async () => {
    const files = new Map(await makePage(repository));
    expect([...(await makePage(repository))]).to.deep.equal([...files]);
    const index = Buffer.from(files.get('index.html') as Uint8Array).toString();
    const named = [...index.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address as string);
    expect(named).to.have.length(3);
    for (const address of named) {
      expect(address).to.match(/^page\/\w+-[0-9a-f]{16}\.(?:js|css|svg)$/);
      expect(files.has(address.slice(5)), address).to.equal(true);
    }
    expect(index).to.not.match(/<style|style=|<script(?![^>]* src=)|\son\w+=/);
    for (const [name, body] of files) {
      const text = Buffer.from(body).toString();
      if (/\.(?:js|css|html)$/.test(name))
        expect(text.match(/https?:\/\/[^\s"'`)]+/g) ?? [], name).to.deep.equal(
          (text.match(/http:\/\/www\.w3\.org\/[^\s"'`)]+/g) ?? []).map(String),
        );
      if (name.endsWith('.css')) expect(text).to.not.match(/url\(|@import/);
    }
    expect(
      (files.get([...files.keys()].find((name) => name.endsWith('.js')) as string) as Uint8Array).length,
    ).to.be.below(120_000);
  });

  it('is served by the command, from its sources too', async () => {
    const sandbox = await Sandbox.make();
    let child: ChildProcess | undefined;
    try {
      const [program, ...first] = d3Program as [string, ...string[]];
      child = spawn(program, [...first, 'depot', 'serve', sandbox.depot, '--listen', '127.0.0.1:0'], { stdio: 'pipe' });
      let said = '';
      const url = await new Promise<string>((resolve, reject) => {
        child?.stderr?.setEncoding('utf8').on('data', (text: string) => {
          said += text;
          const [, found] = /"url":"([^"]+)"/.exec(said) ?? [];
          if (found !== undefined) resolve(found);
        });
        child?.once('exit', () => reject(new Error(said)));
      });
      const index = await (await fetch(url)).text();
      const [, script = ''] = /src="([^"]+)"/.exec(index) ?? [];
      const answer = await fetch(`${url}/${script}`);
      expect([answer.status, answer.headers.get('content-type')]).to.deep.equal([
        200,
        'text/javascript; charset=utf-8',
      ]);
      expect(await answer.text()).to.include('Sign in');
    } finally {
      if (child?.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      sandbox.remove();
    }
  });
});

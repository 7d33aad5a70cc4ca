import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { useTempFolder } from './helpers/temp.ts';

describe('the README', () => {
  const temp = useTempFolder();

  it('shows what runs, word for word', () => {
    const readme = readFileSync(path.join(import.meta.dirname, '../README.md'), 'utf8');
    const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const source = pathToFileURL(path.join(import.meta.dirname, '../src/index.ts')).href;
    temp.write('root/opt/hello', 'hello');
    const script = temp.write('example.mts', example.replace("'@d3/flatpkg'", `'${source}'`));
    const { stdout, stderr } = spawnSync(process.execPath, [script], { cwd: temp.path(), encoding: 'utf8' });
    expect(stderr).to.equal('');
    expect(stdout.split('\n')).to.deep.equal(['dir 0 /', 'dir 0 /opt', 'file 5 /opt/hello', '']);
    expect(readFileSync(temp.path('files/opt/hello'), 'utf8')).to.equal('hello');
  });
});

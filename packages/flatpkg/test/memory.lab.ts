import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { useTempFolder } from './helpers/temp.ts';

/** Alone on the machine: beside other tests the collector comes too late to tell anything. */
describe('memory', () => {
  const temp = useTempFolder();

  it('stays bounded for a file of 200 MB', () => {
    mkdirSync(temp.path('memory'));
    const child = path.join(import.meta.dirname, 'helpers/memory-child.ts');
    const argv = ['--conditions=d3-source', child, temp.path('memory'), String(200_000_000)];
    const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    expect(stderr).to.equal('');
    expect(statSync(temp.path('memory/target/zeros')).size).to.equal(200_000_000);
    expect(Number(stdout)).to.be.lessThan(152);
  });
});

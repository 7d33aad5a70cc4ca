import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3Program } from '../cli/spawn.ts';
import { NpmRegistry } from '../support/npm-registry.ts';
import { Screen } from '../support/screen.ts';
import { Place, plugin } from './place.ts';

describe('what is newer than what is installed', function () {
  this.timeout(120_000);

  it('is told on a terminal, once a day, and to nobody else', async () => {
    const registry = await new NpmRegistry().listen();
    const place = new Place(registry.url);
    const publish = (version: string) => {
      const { manifest, files } = plugin('d3-night', version, 'night');
      registry.publish(manifest, files);
    };
    /** What stands on a terminal after `d3 plugins`. */
    const looked = async (env: Record<string, string> = {}) => {
      const { PATH = '' } = process.env;
      const screen = new Screen([...d3Program, 'plugins'], {
        cwd: place.dir,
        env: { PATH, HOME: place.dir, ...place.env, ...env },
        columns: 200,
      });
      try {
        expect(await screen.ended(), screen.text).to.equal(0);
        return screen.text;
      } finally {
        screen.close();
      }
    };
    const tomorrow = () => rmSync(path.join(place.folder, 'newer.looked'));
    const line = 'Newer in the registry: d3-night 1.1.0 (here 1.0.0).';
    try {
      publish('1.0.0');
      expect((await place.plugins(['install', 'd3-night@^1'])).errors).to.deep.equal([]);
      publish('1.1.0');
      publish('2.0.0');

      registry.asked.length = 0;
      expect((await place.plugins([])).errors).to.deep.equal([]);
      expect(await place.run(['plugins'])).to.deep.include({ code: 0, stderr: '' });
      expect(await looked({ CI: 'true' })).to.not.contain('Newer');
      place.notice = 'off';
      expect(await looked()).to.not.contain('Newer');
      expect(registry.asked).to.deep.equal([]);
      expect(existsSync(path.join(place.folder, 'newer.looked'))).to.equal(false);

      place.notice = 'on';
      expect(await looked()).to.contain(line);
      registry.asked.length = 0;
      expect(await looked()).to.not.contain('Newer');
      expect(registry.asked).to.deep.equal([]);

      // Nobody waits long for who does not answer, nor is told of it.
      tomorrow();
      registry.silent = true;
      const started = process.hrtime.bigint();
      const text = await looked();
      expect(text).to.contain('d3-night').and.to.not.contain('Newer');
      expect(Number(process.hrtime.bigint() - started) / 1e6).to.be.lessThan(25_000);
    } finally {
      place.remove();
      await registry.close();
    }
  });
});

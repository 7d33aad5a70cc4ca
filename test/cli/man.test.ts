import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { roff } from '../../scripts/man-pages.ts';
import { NODE, repository } from './spawn.ts';

describe('man pages', () => {
  it('text is taken as it stands, whatever it begins with', () => {
    expect(roff('.TH is an order')).to.equal('\\&.TH is an order');
    expect(roff("a\n'quoted' a\\b --flag")).to.equal('a\n\\(aqquoted\\(aq a\\eb \\-\\-flag');
  });

  it('scripts/man.ts makes one for every command, twice the same, without anything else in them', function () {
    this.timeout(120_000);
    const dir = mkdtempSync(path.join(tmpdir(), 'd3-man-'));
    try {
      const made = ['one', 'two'].map((name) => {
        const out = path.join(dir, name);
        const words = [...NODE, path.join(repository, 'scripts/man.ts'), out];
        const env = { ...process.env, SOURCE_DATE_EPOCH: '1767225600' };
        const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', env });
        expect(status, stderr).to.equal(0);
        return Object.fromEntries(readdirSync(out).map((file) => [file, readFileSync(path.join(out, file), 'utf8')]));
      });
      const [pages = {}, again] = made;
      expect(again).to.deep.equal(pages);
      expect(Object.keys(pages)).to.include.members(['d3.1', 'd3-install.1', 'd3admin-add.1', 'd3-plugins-install.1']);
      const page = pages['d3-install.1'] as string;
      expect(page).to.match(/^\.TH "D3\\-INSTALL" "1" "2026-01-01" "d3 /);
      for (const [name, text] of Object.entries(pages)) {
        if (name === 'd3admin.1') continue;
        const orders = text.split('\n').filter((line) => line.startsWith('.'));
        const known = /^\.(?:TH|SH|TP|BR|B|I|nf|fi|br)(?: |$)/;
        expect(
          orders.filter((line) => !known.test(line)),
          name,
        ).to.deep.equal([]);
        expect(text, name).to.contain('.SH NAME').and.contain('.SH EXIT STATUS').and.not.contain('<%');
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

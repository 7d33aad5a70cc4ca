import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';

const topics = ['blueprint', 'deployment', 'proxy'];
const reference = readFileSync(path.join(import.meta.dirname, '../../../docs/reference.md'), 'utf8');

describe('the words of deployments', () => {
  it('staypuft:U-05 are the same whatever system a host has, and none of another tool', () => {
    const sections = reference
      .split(/^### d3 /m)
      .filter((section) => topics.includes(section.split(/[ \n]/, 1)[0] ?? ''));
    expect(sections.length).to.be.greaterThan(20);
    for (const section of sections)
      expect(section, section.split('\n', 1)[0]).not.to.match(
        /\b(?:Macs?|Linux|macOS|nodes?|minions?|slaves?|OpenStack|playbooks?)\b/i,
      );
  });
});

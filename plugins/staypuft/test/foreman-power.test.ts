import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { boardMissing, cyclePower } from '../src/foreman/power.ts';
import { ForemanSite, factsOf, MAC } from './support/foreman-site.ts';

describe('power by way of Foreman', () => {
  let site: ForemanSite;
  const switched: string[] = [];
  beforeEach(async () => {
    site = await ForemanSite.open();
    switched.length = 0;
    site.foreman.onPower = ({ name }, action) => void switched.push(`${name} ${action}`);
  });
  afterEach(() => site.close());

  async function cycle(name: string, id: number | null): Promise<string | null> {
    const target = await site.host(name, 'registered', id);
    return site.depot(async (admin) =>
      cyclePower(target, site.context(admin)).then(
        () => null,
        (error: unknown) => (error as D3Error).code,
      ),
    );
  }

  it('staypuft:S1-05 a board is told where Foreman has an interface of it, and nobody else’s is', async () => {
    const interfaces = [
      { type: 'interface', mac: '52:54:00:00:00:01' },
      { type: 'bmc', mac: '52:54:00:00:00:02' },
    ];
    const { id } = site.foreman.registered('db1.example.org', { interfaces });
    const other = site.foreman.registered('db2.example.org', { interfaces: interfaces.slice(0, 1) });
    expect(await cycle('db1', id)).to.equal(null);
    expect(switched).to.deep.equal(['db1.example.org cycle']);
    expect(await cycle('db2', other.id)).to.equal('HOST_WITHOUT_BMC');
    expect(await cycle('db3', null)).to.equal('HOST_WITHOUT_BMC');
    site.foreman.lacks.add('power_hosts');
    expect(await cycle('db4', id)).to.equal('FOREMAN_FORBIDDEN');
    expect(switched).to.have.length(1);
  });

  it('staypuft:S1-05 which hosts have no board is known before, and nothing is switched to learn it', async () => {
    const missing = async (name: string, id: number | null, kind: 'registered' | 'discovered' = 'registered') => {
      const target = await site.host(name, kind, id);
      return site.depot((admin) => boardMissing(target, site.context(admin)));
    };
    const { id } = site.foreman.registered('db1.example.org', { interfaces: [{ type: 'bmc', mac: 'x' }] });
    expect(await missing('db1', id)).to.equal(null);
    expect(await missing('db2', site.foreman.registered('db2.example.org').id)).to.contain('no such interface');
    expect(await missing('db3', null)).to.contain('does not know it');
    const { id: found } = site.foreman.discovered('mac525400aa0001', '127.0.0.1', MAC, factsOf(MAC, '127.0.0.1'));
    expect(await missing('mac525400aa0001', found, 'discovered')).to.equal(null);
    expect(switched).to.deep.equal([]);
    expect(site.foreman.writes()).to.deep.equal([]);
  });

  it('staypuft:S1-05 where nobody knows whether it was switched, it is not switched twice', async () => {
    const { id } = site.foreman.registered('db1.example.org', { interfaces: [{ type: 'bmc', mac: 'x' }] });
    site.foreman.trouble(/PUT .*power/, { kind: 'cut-after' });
    expect(await cycle('db1', id)).to.equal(null);
    expect(switched).to.deep.equal(['db1.example.org cycle']);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { type Host, linuxHost } from '../../src/platform/host.ts';
import { macHost } from '../../src/platform/mac-host.ts';
import { gatherMachineFacts } from '../../src/platform/machine.ts';
import { runProgram } from '../../src/platform/program.ts';
import { CONSOLE_USER, EXPERT, LOGIN_WINDOW, type Recording } from '../recorded/mac.ts';
import { recorded } from '../support/recorded.ts';

describe('a host', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'd3-host-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  describe('that is a Mac, by what its programs were recorded to say', () => {
    type Answers = Record<'swVers' | 'ioreg' | 'scutil' | 'sysctl', Recording[]>;
    const usual: Answers = {
      swVers: [{ args: ['-productVersion'], stdout: '15.6.1\n' }],
      ioreg: [{ args: ['-r', '-d', '1', '-c', 'IOPlatformExpertDevice', '-a'], stdout: EXPERT }],
      scutil: [
        { args: ['--get', 'ComputerName'], stdout: 'Calvin’s Mac\n' },
        { args: [], stdout: CONSOLE_USER, does: `cat > '__/asked'` },
      ],
      sysctl: [
        { args: ['-n', 'hw.optional.arm64'], stdout: '1\n' },
        { args: ['-n', 'hw.model'], stdout: 'MacBookPro18,3\n' },
      ],
    };

    function mac(changes: Partial<Answers> = {}) {
      const answers = { ...usual, ...changes };
      answers.scutil = answers.scutil.map((one) => ({ ...one, does: one.does?.replace('__', folder) ?? ':' }));
      const { programs, calls } = recorded(folder, answers);
      return { host: macHost(runProgram, programs), calls };
    }

    it('says its name, version, model, serial, hardware UUID and who sits at it', async () => {
      const { host, calls } = mac();
      const facts = await gatherMachineFacts('/', null, host);
      expect(facts).to.deep.include({
        name: 'Calvin’s Mac',
        os: { name: 'macOS', version: '15.6.1' },
        cpu: 'arm64',
        model: 'MacBookPro18,3',
        serial: 'C02XK1ABJG5H',
        hardwareUuid: '8A6B7C8D-1234-5678-9ABC-DEF012345678',
        user: 'calvin',
      });
      expect(calls().filter((call) => call.startsWith('ioreg'))).to.have.length(1);
    });

    it('depot3:BUG-54 with Apple silicon is arm64, even to a d3 that runs as on Intel; any other is x86_64', async () => {
      expect(await mac().host.cpu()).to.equal('arm64');
      const intel = mac({
        sysctl: [{ args: ['-n', 'hw.optional.arm64'], stderr: "unknown oid 'hw.optional.arm64'", code: 1 }],
      });
      expect(await intel.host.cpu()).to.equal(os.arch() === 'arm64' ? 'arm64' : 'x86_64');
    });

    it('has nobody sitting at it at the login window, or where it cannot be known', async () => {
      for (const stdout of [LOGIN_WINDOW, '  No such key\n', '']) {
        expect(await mac({ scutil: [{ args: [], stdout }] }).host.user()).to.equal(null);
      }
    });

    it('whose programs fail or say something else leaves things unknown, and stops nothing', async () => {
      const broken = mac({
        swVers: [],
        ioreg: [{ args: ['*', '*', '*', '*', '*', '*'], stdout: '<plist' }],
        scutil: [],
        sysctl: [],
      });
      const facts = await gatherMachineFacts('/', null, broken.host);
      expect(facts).to.deep.include({ name: os.hostname(), os: { name: 'macOS', version: 'unknown' } });
      expect(facts).to.deep.include({ model: null, serial: null, hardwareUuid: null, user: null });
      const absent = { swVers: '/no', ioreg: '/no', scutil: '/no', sysctl: '/no' };
      expect(await macHost(runProgram, absent).serial()).to.equal(null);
    });

    it('is not asked what a root folder says itself, nor who it is', async () => {
      writeFileSync(
        path.join(folder, 'facts.json'),
        JSON.stringify({ os: { name: 'x', version: '1' }, cpu: 'x86_64' }),
      );
      const { host, calls } = mac();
      const facts = await gatherMachineFacts(folder, path.join(folder, 'facts.json'), host);
      expect(facts).to.deep.include({ serial: null, hardwareUuid: null, user: null, cpu: 'x86_64' });
      expect(calls()).to.deep.equal([]);
    });
  });

  describe('that runs Linux', () => {
    function linux(recordings: Recording[], files: Record<string, string> = {}): Host {
      for (const [name, content] of Object.entries(files)) {
        const at = path.join(folder, 'top', name);
        mkdirSync(path.dirname(at), { recursive: true });
        writeFileSync(at, content);
      }
      return linuxHost(runProgram, recorded(folder, { loginctl: recordings }).programs, path.join(folder, 'top'));
    }
    const seat = { args: ['show-seat', 'seat0', '--property=ActiveSession'], stdout: 'ActiveSession=2\n' };
    const session = (stdout: string) => ({
      args: ['show-session', '2', '--property=Name', '--property=Class'],
      stdout,
    });

    it('says its serial number and hardware UUID, unless they are stopgaps', async () => {
      const dmi = (serial: string, uuid: string) => ({
        'sys/class/dmi/id/product_serial': `${serial}\n`,
        'sys/class/dmi/id/product_name': `${serial} X\n`,
        'sys/class/dmi/id/product_uuid': `${uuid}\n`,
        'etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
      });
      const real = linux([], dmi('PF2ABC', '8a6b7c8d-1234-5678-9abc-def012345678'));
      expect(await real.serial()).to.equal('PF2ABC');
      expect(await real.model()).to.equal('PF2ABC X');
      expect(await real.hardwareUuid()).to.equal('8A6B7C8D-1234-5678-9ABC-DEF012345678');
      expect(await real.os()).to.deep.include({ name: 'debian', version: '12' });
      for (const [serial, uuid] of [
        ['To be filled by O.E.M.', '00000000-0000-0000-0000-000000000000'],
        ['', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'],
      ]) {
        const stopgap = linux([], dmi(serial as string, uuid as string));
        expect([await stopgap.serial(), await stopgap.hardwareUuid()]).to.deep.equal([null, null]);
      }
    });

    it('says who sits at it, and nobody at the login screen or without one', async () => {
      expect(await linux([seat, session('Name=calvin\nClass=user\n')]).user()).to.equal('calvin');
      expect(await linux([seat, session('Name=gdm\nClass=greeter\n')]).user()).to.equal(null);
      expect(await linux([{ ...seat, stdout: 'ActiveSession=\n' }]).user()).to.equal(null);
      expect(await linux([]).user()).to.equal(null);
      expect(await linuxHost(runProgram, { loginctl: '/no' }).user()).to.equal(null);
    });
  });
});

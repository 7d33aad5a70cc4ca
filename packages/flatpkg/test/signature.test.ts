import { expect } from 'chai';
import { inspect, verify } from '../src/index.ts';
import { file, pkg } from './helpers/craft.ts';
import { failureOf } from './helpers/failures.ts';
import { useTempFolder } from './helpers/temp.ts';

// Self-signed certificates made for these tests: openssl req -x509 -newkey ec -nodes -subj … -outform DER
const SIGNER = [
  'MIICPTCCAeOgAwIBAgIUcdoIEhPT6NKbASYR9DjwfJAJjgYwCgYIKoZIzj0EAwIwczE5MDcGA1UEAwwwRGV2ZWxvcGVyIElEIElu',
  'c3RhbGxlcjogRXhhbXBsZSBPcmcgKEFCQ0RFMTIzNDUpMRMwEQYDVQQLDApBQkNERTEyMzQ1MRQwEgYDVQQKDAtFeGFtcGxlIE9y',
  'ZzELMAkGA1UEBhMCVVMwIBcNMjYxMTIxMDcxMDA1WhgPMjEyNjEwMjgwNzEwMDVaMHMxOTA3BgNVBAMMMERldmVsb3BlciBJRCBJ',
  'bnN0YWxsZXI6IEV4YW1wbGUgT3JnIChBQkNERTEyMzQ1KTETMBEGA1UECwwKQUJDREUxMjM0NTEUMBIGA1UECgwLRXhhbXBsZSBP',
  'cmcxCzAJBgNVBAYTAlVTMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEDWylTBbP8qdbqwWhcCYHN6hhXW2JSuj90+Jz8LgWhoAz',
  'htfYTfAV+b1ldytD2hKeECjYHQ1xXjC9qB/n0B2npqNTMFEwHQYDVR0OBBYEFCPKegc9IXDCOKONvgFvofU4LUA8MB8GA1UdIwQY',
  'MBaAFCPKegc9IXDCOKONvgFvofU4LUA8MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgQdBeJVTy9jTyDJs5gqxm',
  'hIyLRgPgTo7Rxha6k9iJL7oCIQD+gxVFsGXR1qE6R+FKyELFbQcoZzmvpDoqhBA3JN3qcg==',
].join('\n');
const AUTHORITY = [
  'MIIBjjCCATWgAwIBAgIUceSvm6moN3VVM4JwPw2Mk2HC2GwwCgYIKoZIzj0EAwIwHDEaMBgGA1UEAwwRRXhhbXBsZSBBdXRob3Jp',
  'dHkwIBcNMjYxMTIxMDcxMDA1WhgPMjEyNjEwMjgwNzEwMDVaMBwxGjAYBgNVBAMMEUV4YW1wbGUgQXV0aG9yaXR5MFkwEwYHKoZI',
  'zj0CAQYIKoZIzj0DAQcDQgAEFkYP6oSOf5BIIGBTTnn+UBhSkiT8sP0pC5rJCREdYe3abcDKVJDZtU3zctTOsPwtD4m0fW1kYCbw',
  '6pBfPcLGe6NTMFEwHQYDVR0OBBYEFPK2GSh0JhefLBIGC8LPMNoXabu6MB8GA1UdIwQYMBaAFPK2GSh0JhefLBIGC8LPMNoXabu6',
  'MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgOnc6tENFHPcPSK5xzMQ7bf1+wC5E9ICC3U1vR21YsecCIC5yBhdW',
  'GOlRJzjjEaNGLtJO6n0OKI/7pZJiq3Yd8ZTn',
].join('\n');

const certificates = (...all: string[]) =>
  `<KeyInfo><X509Data>${all.map((one) => `<X509Certificate>${one}</X509Certificate>`).join('')}</X509Data></KeyInfo>`;

/** A record as Apple staples it after the archive; `length` and `type` may lie. */
function ticket(length = 64, type = 2) {
  const record = Buffer.alloc(16);
  record.write('t8lr', 'latin1');
  record.writeUInt16LE(1, 4);
  record.writeUInt16LE(type, 6);
  record.writeUInt32LE(length, 8);
  return Buffer.concat([Buffer.from('s8ch'.padEnd(64, '\0'), 'latin1'), record]);
}

describe('signatures', () => {
  const temp = useTempFolder();
  const signed = (elements: string, heapEnd: Buffer = Buffer.alloc(0)) => {
    const toc = (xml: string) => xml.replace('<file ', `${elements}<file `);
    return temp.write('x.pkg', pkg([file('./a')], { lies: { toc, heapEnd } }));
  };

  it('are shown for what they are, and as not verified here', async () => {
    const path = signed(
      [
        `<signature style="RSA"><offset>20</offset><size>0</size>${certificates(SIGNER, AUTHORITY)}</signature>`,
        `<x-signature style="CMS"><offset>20</offset><size>0</size>${certificates(SIGNER, AUTHORITY)}</x-signature>`,
      ].join(''),
    );
    expect((await inspect(path)).signature).to.deep.equal({
      kinds: ['RSA', 'CMS'],
      subject: 'Developer ID Installer: Example Org (ABCDE12345)',
      teamId: 'ABCDE12345',
      chain: ['Developer ID Installer: Example Org (ABCDE12345)', 'Example Authority'],
      notarizationTicket: false,
      verified: 'not verified here',
    });
    expect((await verify(path)).warnings).to.deep.equal(['Payload: there is no bill of materials to compare it with']);
  });

  it('that cannot be read are said to be there all the same', async () => {
    const { signature } = await inspect(
      signed(`<signature style="RSA">${certificates('bm8gY2VydGlmaWNhdGU=')}</signature>`),
    );
    expect(signature).to.deep.include({
      kinds: ['RSA'],
      subject: null,
      teamId: null,
      chain: ['unreadable certificate'],
    });
    expect((await inspect(signed('<signature style="RSA"/>'))).signature).to.deep.include({ subject: null, chain: [] });
  });

  it('lie within the archive, and over nothing else', async () => {
    for (const [offset, size] of [
      [99_999_999, 8],
      [0, 8],
      [22, 4],
    ]) {
      const path = signed(`<signature style="RSA"><offset>${offset}</offset><size>${size}</size></signature>`);
      expect((await failureOf(inspect(path))).code).to.equal('XAR_RANGE');
    }
  });

  it('do not name certificates without end', async () => {
    const many = certificates(...Array.from({ length: 21 }, () => AUTHORITY));
    const failure = await failureOf(inspect(signed(`<signature style="RSA">${many}</signature>`)));
    expect([failure.kind, failure.code]).to.deep.equal(['damaged', 'XAR_SIGNATURE']);
  });

  it('a ticket of another package is told', async () => {
    const list = Buffer.alloc(24 + 21);
    list.write('g8tk', 'latin1');
    list.writeUInt16LE(2, 4);
    list.writeUInt16LE(20, 6);
    list.writeUInt32LE(1, 8);
    const record = Buffer.alloc(16);
    record.write('t8lr', 'latin1');
    record.writeUInt16LE(1, 4);
    record.writeUInt16LE(2, 6);
    record.writeUInt32LE(16 + list.length, 8);
    const staple = () => Buffer.concat([Buffer.from('s8ch'.padEnd(16, '\0'), 'latin1'), list, record]);
    const warned = 'the notarization ticket stapled to it is for another package';
    expect((await inspect(signed('', staple()))).warnings).to.include(warned);
    const bytes = pkg([file('./a')]);
    const length = 28 + Number(bytes.readBigUInt64BE(8));
    list[24] = 1;
    bytes.copy(list, 25, length, length + 20);
    const own = temp.write('own.pkg', Buffer.concat([bytes, staple()]));
    expect((await inspect(own)).warnings).not.to.include(warned);
  });

  it('and a stapled ticket are told apart', async () => {
    expect((await inspect(signed('', ticket()))).signature).to.deep.include({ kinds: [], notarizationTicket: true });
    expect((await inspect(signed('', ticket(64, 1)))).signature).to.equal(null);
    expect((await inspect(signed('', ticket(4_000_000_000)))).signature).to.equal(null);
    expect((await inspect(signed(''))).signature).to.equal(null);
  });
});

import { D3Error } from '@d3/sdk';
import { Args, Flags } from '@oclif/core';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { wholeNumber } from '../../cli/flags.ts';
import { sessionOf } from '../../cli/session.ts';
import { commaList } from '../../cli/words.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface WasServed {
  depot: string;
  url: string;
}

const MEBIBYTE = 1024 * 1024;

export default class DepotServe extends AdminCommand<WasServed, typeof DepotServe> {
  static override summary =
    'Serve a depot: its catalog and packages to machines, an HTTP API to admins, a page to look at.';
  static override description =
    'It runs until SIGTERM or ctrl-c, which let what is under way end. Without --listen only this host reaches it; elsewhere it needs a ' +
    'certificate, or a proxy in front that does TLS. Machines read /public and /blobs as from any web server; admins name its address as ' +
    'their depot and need a token (d3admin token add). What it does is logged to stderr, one JSON document a line.';
  static override examples = [
    '<%= config.bin %> depot serve /srv/d3',
    '<%= config.bin %> depot serve /srv/d3 --listen 0.0.0.0:8443 --tls-cert depot.pem --tls-key depot.key',
    '<%= config.bin %> depot serve /srv/d3 --listen 10.1.2.3:8420 --proxy 10.1.2.1',
  ];
  static override flags = {
    listen: Flags.string({
      helpValue: 'HOST:PORT',
      summary: 'Where to listen; port 0 is one that is free.',
      default: '127.0.0.1:8420',
    }),
    'tls-cert': Flags.string({ helpValue: 'FILE', summary: 'Its certificate, with those in between (PEM).' }),
    'tls-key': Flags.string({ helpValue: 'FILE', summary: 'The key of the certificate (PEM).' }),
    proxy: Flags.string({
      helpValue: 'LIST',
      summary: 'Addresses or ranges of proxies in front: they do TLS, and their headers say who asks.',
      default: '',
    }),
    readers: Flags.string({
      helpValue: 'everyone|enrolled',
      options: ['everyone', 'enrolled'],
      summary: 'Who may read the catalog and the packages.',
      default: 'everyone',
    }),
    rate: wholeNumber({ helpValue: 'NUMBER', min: 1, summary: 'Requests a minute for each token.', default: 3000 }),
    'max-upload': wholeNumber({
      helpValue: 'MIB',
      min: 1,
      summary: 'Megabytes the largest package may have.',
      default: 102_400,
    }),
    'log-level': Flags.string({
      helpValue: 'LEVEL',
      options: ['debug', 'info', 'warn', 'error', 'off'],
      summary: 'How much is logged.',
      default: 'info',
    }),
  };
  static override args = {
    dir: Args.directory({ name: 'dir', description: 'The folder of the depot; else as --depot says.', exists: false }),
  };
  /** Being told to stop is how it ends. */
  static override endsBySignal = true;

  async execute(context: ContextOf<typeof DepotServe>): Promise<Outcome<WasServed>> {
    const { serveHere } = await import('../../cli/serve-here.ts');
    const { flags, args } = context;
    const { 'tls-cert': cert, 'tls-key': key, readers } = flags;
    if ((cert === undefined) !== (key === undefined)) {
      const [given, missing] = cert === undefined ? ['--tls-key', '--tls-cert'] : ['--tls-cert', '--tls-key'];
      throw new D3Error('TLS_HALF', 'usage', `${given} is given without ${missing}.`, {
        target: missing,
        actions: [`give ${missing} too`],
      });
    }
    const result = await serveHere(
      {
        dir: args.dir,
        listen: flags.listen,
        tls: cert === undefined || key === undefined ? null : { cert, key },
        proxies: commaList(flags.proxy),
        readers: readers === 'enrolled' ? readers : 'everyone',
        perMinute: flags.rate,
        maxUpload: flags['max-upload'] * MEBIBYTE,
        logLevel: flags['log-level'],
        installation: sessionOf(this.config).installation ?? { root: this.config.root, code: 'dist' },
      },
      context,
    );
    return { result };
  }

  render({ depot, url }: WasServed, terminal: Terminal): void {
    terminal.progress(`${depot} was served at ${url}.`);
  }
}

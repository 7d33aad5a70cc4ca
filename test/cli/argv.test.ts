import { D3Error } from '@d3/sdk';
import { type Interfaces, Parser } from '@oclif/core';
import { expect } from 'chai';
import fc from 'fast-check';
import { type ArgvTable, type Entry, type FlagMap, normaliseArgv } from '../../src/argv.ts';
import {
  adminFlags,
  attributeFlags,
  clientFlags,
  confirmingFlags,
  deferralFlags,
  installingFlags,
  receiptFlags,
  walkthruFlags,
} from '../../src/cli/flags.ts';
import { wholeTable } from './table.ts';

const words = (line: string): string[] => line.split(' ').filter((word) => word !== '');
const normalise = (argv: readonly string[], entry: Entry = 'd3'): string[] => normaliseArgv(argv, entry, wholeTable);

function withActions(actions: readonly string[]): ArgvTable {
  const { commands: known } = wholeTable;
  const commands = new Map([...known.keys()].map((id) => [id, known.get(id) as FlagMap]));
  for (const action of actions) commands.set(`admin:${action}`, new Map());
  return { ...wholeTable, commands };
}

/** Each line as typed, and what oclif is given. */
function check(rows: readonly (readonly [typed: string, read: string])[]): void {
  for (const [typed, read] of rows) {
    const [program, ...argv] = words(typed);
    it(`${typed}  =>  ${read || '(nothing)'}`, () => {
      expect(normalise(argv, program as Entry)).to.deep.equal(words(read));
    });
  }
}

describe('command lines', () => {
  describe('of the seeds, word for word', () => {
    check([
      ['d3 install transmogrifier', 'install transmogrifier'],
      ['d3 install transmogrifier crashplan', 'install transmogrifier crashplan'],
      ['d3 pilot transmogrifier-2.1.2-1', 'pilot transmogrifier-2.1.2-1'],
      ['d3 depilot transmogrifier-2.1.2-1', 'depilot transmogrifier-2.1.2-1'],
      ['d3 depilot transmogrifier', 'depilot transmogrifier'],
      ['d3 uninstall transmogrifier', 'uninstall transmogrifier'],
      ['d3 sync', 'sync'],
      ['d3 list-queue', 'list-queue'],
      ['d3 dequeue transmogrifier', 'dequeue transmogrifier'],
      ['d3 help', 'help'],
      ['d3admin --config', 'admin config'],
      ['d3admin add -w transmogrifier', 'admin add -w transmogrifier'],
      ['d3admin edit -w', 'admin edit -w'],
      [
        'd3admin add transmogrifier -g test-macs -e /tmp/test-preinstall',
        'admin add transmogrifier -g test-macs -e /tmp/test-preinstall',
      ],
      [
        'd3admin edit transmogrifier-2.5-2 -G special-macs,other-macs -e 324',
        'admin edit transmogrifier-2.5-2 -G special-macs,other-macs -e 324',
      ],
      ['d3admin live transmogrifier-2.1.2-1', 'admin live transmogrifier-2.1.2-1'],
      ['d3admin delete transmogrifier', 'admin delete transmogrifier'],
      ['d3admin show', 'admin show'],
      ['d3admin show all', 'admin show all'],
      ['d3admin show pilot', 'admin show pilot'],
      ['d3admin report --type pilot transmogrifier', 'admin report --type pilot transmogrifier'],
    ]);
  });

  describe('with options before the command', () => {
    check([
      ['d3 -f -a sally install x', 'install x -f -a sally'],
      ['d3 -fa sally install x', 'install x -fa sally'],
      ['d3 -fasally install x', 'install x -fasally'],
      ['d3 --admin=sally install x', 'install x --admin=sally'],
      ['d3 -e 30 install x', 'install x -e 30'],
      ['d3 --wait 5 -vv sync', 'sync --wait 5 -vv'],
      ['d3 --root /tmp/m --json list-installed', 'list-installed --root /tmp/m --json'],
      ['d3 -f install x -- -y', 'install x -f -- -y'],
      ['d3 -- install x', 'install -- x'],
      ['d3 depot --json init /srv/d', 'depot init /srv/d --json'],
      ['d3 --unknown install x', 'install x --unknown'],
      ['d3 -f', '-f'],
      ['d3admin -w add x', 'admin add x --walkthru'],
      ['d3admin -v 2.1 add x', 'admin add x --version=2.1'],
      ['d3admin --version 2.1 add x', 'admin add x --version=2.1'],
      // A letter of d3 before the word admin keeps d3's meaning.
      ['d3 -f admin live x-1-1', 'admin live x-1-1 --force'],
      ['d3 -a sally admin live x-1-1', 'admin live x-1-1 --admin=sally'],
    ]);
  });

  describe('with underscores, aliases and abbreviations', () => {
    check([
      ['d3 list_installed', 'list-installed'],
      ['d3 query_file /tmp/a_b', 'query-file /tmp/a_b'],
      ['d3 li', 'li'],
      ['d3 i x', 'i x'],
      ['d3 nonsense_word x', 'nonsense_word x'],
      ['d3admin a x', 'admin add x'],
      ['d3admin e x', 'admin edit x'],
      ['d3admin l x', 'admin live x'],
      ['d3admin d x', 'admin delete x'],
      ['d3admin i x', 'admin info x'],
      ['d3admin s x', 'admin show x'],
      ['d3admin se x', 'admin search x'],
      ['d3admin r x', 'admin report x'],
      ['d3admin c', 'admin config'],
      ['d3admin h', 'help admin'],
      ['d3admin del x', 'admin delete x'],
      ['d3admin group list', 'admin group list'],
      ['d3admin gr list', 'admin group list'],
      ['d3 admin a x', 'admin add x'],
    ]);

    it('lists what an ambiguous action can mean', () => {
      const table = withActions(['graph', 'grant']);
      expect(() => normaliseArgv(['admin', 'gr'], 'd3', table))
        .to.throw(D3Error, /grant, graph, group/)
        .with.property('exitCode', 2);
    });

    it('lists the actions when there is none of that name', () => {
      expect(() => normalise(['frobnicate', 'x'], 'd3admin'))
        .to.throw(D3Error)
        .that.satisfies((error: D3Error) => error.exitCode === 127 && /add, config, delete/.test(error.actions.join()));
    });

    it('keeps the ancestor’s abbreviations whatever actions are added', () => {
      const later = ['adopt', 'list', 'deploy', 'sites', 'import', 'categories', 'events', 'role', 'status'];
      const table = withActions(later);
      const read = [...'aeldisrc'].map((letter) => normaliseArgv([letter], 'd3admin', table)[1]);
      expect(read).to.deep.equal(['add', 'edit', 'live', 'delete', 'info', 'show', 'report', 'config']);
    });
  });

  describe('with yes/no flags under admin', () => {
    describe('depot3:BUG-44 a bare one means yes and never swallows the next word', () => {
      check([
        ['d3admin add x -R', 'admin add x -R y'],
        ['d3admin add -R x', 'admin add -R y x'],
        ['d3admin add -F x', 'admin add -F y x'],
        ['d3admin add -u x', 'admin add -u y x'],
        ['d3admin add --reboot x', 'admin add --reboot y x'],
        ['d3admin add --remove-first --removable x', 'admin add --remove-first y --removable y x'],
        ['d3admin -R add x', 'admin add x --reboot=y'],
        ['d3admin add -RF x', 'admin add -R y -F y x'],
        ['d3admin add -wR x', 'admin add -wR y x'],
        ['d3admin add -Rw x', 'admin add -R y -w x'],
      ]);
    });

    describe('depot3:BUG-45 y, yes, n, no, true, false, 1 and 0 are answers, in any case', () => {
      check([
        ['d3admin add -R n x', 'admin add -R n x'],
        ['d3admin add -R No x', 'admin add -R No x'],
        ['d3admin add -u TRUE x', 'admin add -u TRUE x'],
        ['d3admin add -F 0 x', 'admin add -F 0 x'],
        ['d3admin add -Rn x', 'admin add -Rn x'],
        ['d3admin add -R=no x', 'admin add -R=no x'],
        ['d3admin add --reboot=false x', 'admin add --reboot=false x'],
      ]);
    });

    it('means something else outside admin', () => {
      expect(normalise(words('install -F x'))).to.deep.equal(words('install -F x'));
    });
  });

  describe('that ask for help or the version', () => {
    check([
      ['d3', ''],
      ['d3 -h', 'help'],
      ['d3 -H', 'help --extended'],
      ['d3 --help', 'help'],
      ['d3 install -h', 'help install'],
      ['d3 install x --force --help', 'help install'],
      ['d3 -h install', 'help install'],
      ['d3 help list_installed', 'help list-installed'],
      ['d3 h li', 'help li'],
      ['d3 -a sally help install', 'help install -a'],
      ['d3 help --json', 'help --json'],
      ['d3 --json install -h', 'help install --json'],
      ['d3 -a -h install', 'help install'],
      ['d3 install -- -h', 'install -- -h'],
      ['d3 --help frobnicate', 'help frobnicate'],
      ['d3admin', 'admin'],
      ['d3admin -h', 'help admin'],
      ['d3admin -H', 'help admin --extended'],
      ['d3admin --extended-help add', 'help admin add --extended'],
      ['d3admin help', 'help admin'],
      ['d3admin help a', 'help admin add'],
      ['d3admin add -d -h', 'help admin add'],
      ['d3 -V', 'version'],
      ['d3 --version', 'version'],
      ['d3 --version --json', 'version --json'],
      ['d3 --json -V', 'version --json'],
      ['d3admin --version', 'version'],
      ['d3admin -V', 'version'],
      ['d3admin --d3-version', 'version'],
      ['d3admin --version --json', 'version --json'],
      ['d3admin --config display', 'admin config display'],
      ['d3 help version', 'help version'],
    ]);
  });

  it('names a flag whose value is missing instead of taking another flag for it', () => {
    for (const line of [
      'install x -a',
      'install x --admin --force',
      'install x --admin -- y',
      '--wait --json install x',
    ]) {
      expect(() => normalise(words(line)), line)
        .to.throw(D3Error, /needs a value/)
        .with.property('exitCode', 2);
    }
    expect(() => normalise(words('add x -f --reboot=y'), 'd3admin')).to.throw(D3Error, /-f needs a value/);
  });

  it('leaves words alone that only look like options', () => {
    expect(normalise(['query-file', '-'])).to.deep.equal(['query-file', '-']);
    expect(normalise(['install', '-5'])).to.deep.equal(['install', '-5']);
    expect(normalise(['add', 'x', '-d', '--- notes ---'], 'd3admin').slice(-2)).to.deep.equal(['-d', '--- notes ---']);
  });
});

describe('command lines, any order', () => {
  interface Case {
    entry: Entry;
    command: string[];
    groups: string[][];
    flags: Interfaces.FlagInput;
  }

  const cases: Case[] = [
    {
      entry: 'd3',
      command: ['install'],
      groups: [['-f'], ['-a', 'sally'], ['--wait', '5'], ['-vN'], ['--root=/m'], ['-pe', '30'], ['--dry-run']],
      flags: { ...clientFlags, ...installingFlags, ...deferralFlags, ...receiptFlags },
    },
    {
      entry: 'd3admin',
      command: ['add'],
      groups: [['-R'], ['-F', 'no'], ['-wu'], ['--version', '2.1'], ['-g', 'a,b'], ['-eX'], ['--cpu_type', 'x86']],
      flags: { ...adminFlags, ...confirmingFlags, ...walkthruFlags, ...attributeFlags },
    },
  ];

  /** The command's words in their order with the groups somewhere among them, whole. */
  const shuffled = ({ groups, command }: Case): fc.Arbitrary<string[]> =>
    fc
      .tuple(
        fc.shuffledSubarray(groups),
        fc.uniqueArray(fc.constantFrom('transmogrifier', 'no-such', 'x-1-1'), { minLength: 1 }),
        fc.infiniteStream(fc.nat()),
      )
      .map(([chosen, targets, numbers]) => {
        const line: string[][] = [...command, ...targets].map((word) => [word]);
        for (const group of chosen) line.splice((numbers.next().value as number) % (line.length + 1), 0, group);
        return line.flat();
      });

  const sorted = (argv: readonly string[], { groups, command }: Case): string[] => {
    const left = [...argv];
    const options = groups.flatMap((group) => {
      const at = left.findIndex((_, index) => group.every((word, offset) => left[index + offset] === word));
      return at === -1 ? [] : left.splice(at, group.length);
    });
    return [...command, ...left.filter((word) => !command.includes(word)), ...options];
  };

  for (const one of cases) {
    const parse = async (argv: readonly string[]): Promise<unknown> => {
      const read = normalise(argv, one.entry);
      const start = one.entry === 'd3admin' ? 2 : 1;
      const { flags, argv: targets } = await Parser.parse(read.slice(start), {
        flags: one.flags,
        strict: false,
        args: {},
      });
      return { command: read.slice(0, start), flags, targets };
    };

    it(`means the same wherever the options of ${one.entry} ${one.command} stand`, async () => {
      await fc.assert(
        fc.asyncProperty(shuffled(one), async (argv) => {
          expect(await parse(argv)).to.deep.equal(await parse(sorted(argv, one)));
        }),
        { numRuns: 300 },
      );
    });
  }

  it('is settled after one reading', () => {
    const vocabulary = [
      'install',
      'admin',
      'add',
      'help',
      'h',
      'x',
      'n',
      '-R',
      '-RF',
      '-f',
      '-a',
      '-h',
      '-V',
      '--',
    ].concat([
      '--json',
      '--version',
      '--config',
      '--reboot',
      '--wait',
      '--nope',
      '-',
      '-5',
      'depot',
      'init',
      'list_installed',
    ]);
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...vocabulary), { maxLength: 8 }),
        fc.constantFrom<Entry>('d3', 'd3admin'),
        (argv, entry) => {
          let once: string[];
          try {
            once = normalise(argv, entry);
          } catch (error) {
            expect(error).to.be.instanceOf(D3Error);
            return;
          }
          expect(normalise(once, 'd3')).to.deep.equal(once);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

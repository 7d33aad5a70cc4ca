import { expect } from 'chai';
import * as tables from '../../src/cli/flags.ts';
import { flagVariable, INPUT_VARIABLES } from '../../src/cli/flags.ts';

type Flags = Record<string, { type: string; char?: string }>;

/** `-f --force` for a switch, `-a --admin=` for a flag with a value. */
function listed(flags: object): string[] {
  return Object.entries(flags as Flags)
    .map(
      ([name, flag]) =>
        `${flag.char === undefined ? '' : `-${flag.char} `}--${name}${flag.type === 'option' ? '=' : ''}`,
    )
    .sort();
}

describe('the table of flags', () => {
  it('has these flags; scripts rely on every one', () => {
    expect(
      Object.fromEntries(
        Object.entries(tables)
          .filter(([name]) => name.endsWith('Flags'))
          .map(([name, flags]) => [name, listed(flags).join(' ')]),
      ),
    ).to.deep.equal({
      everyFlags: '--debug --json --no-input --trace-hooks',
      clientFlags: '--depot= --json --no-input --root= --trace-hooks -d --debug -q --quiet -v --verbose',
      changingFlags: '--dry-run --wait=',
      installingFlags: '--dry-run --wait= -a --admin= -f --force',
      deferralFlags: '-N --no-puppy-notification -p --puppies',
      receiptFlags: '-F --freeze -e --expiration=',
      runFlags: '--of-depot',
      runChangingFlags: '--of-depot --wait= -a --admin=',
      adminFlags: '--admin= --debug --depot= --json --no-input --quiet --trace-hooks --verbose',
      adminChangingFlags: '--dry-run',
      confirmingFlags: '--dry-run -a --auto-confirm',
      walkthruFlags: '-w --walkthru',
      attributeFlags:
        '--firm-expiration= --package-scripts= --setuid= -C --category= -E --pre-remove= -F --remove-first= -G --excluded-groups= -P --expiration-paths= ' +
        '-R --reboot= -T --post-remove= -X --expiration= -c --cpu-type= -d --description= -e --pre-install= ' +
        '-f --filename= -g --auto-groups= -n --package-name= -o --oses= -r --revision= -t --post-install= ' +
        '-u --removable= -v --version= -x --prohibiting-processes=',
      buildFlags:
        '--install-location= --no-inherit --preserve-owners --scripts-folder= --signing-id= --signing-opts= -D --dmg ' +
        '-W --workspace= -i --import= -p --pkg-id= -s --source-path=',
    });
  });

  const scopes: Record<string, object[]> = {
    client: [tables.clientFlags, tables.installingFlags, tables.deferralFlags, tables.receiptFlags],
    admin: [tables.adminFlags, tables.confirmingFlags, tables.walkthruFlags, tables.attributeFlags, tables.buildFlags],
  };
  for (const [scope, groups] of Object.entries(scopes)) {
    it(`has each letter and each name once in ${scope} commands`, () => {
      const entries = groups.flatMap((group) => Object.entries(group as Flags));
      const names = new Map(entries);
      const letters = [...names.values()].flatMap((flag) => flag.char ?? []);
      expect(letters).to.have.lengthOf(new Set(letters).size);
      expect(letters).to.not.include.members(['h']).and.to.not.include.members(['H']);
      for (const [name, flag] of entries) expect(flag.type, name).to.equal(names.get(name)?.type);
    });
  }

  it('leaves the letters under admin to the attributes, but for -a and -w', () => {
    expect(listed(tables.adminFlags).filter((flag) => flag.startsWith('-') && !flag.startsWith('--'))).to.deep.equal(
      [],
    );
  });

  it('names the variable of each flag', () => {
    expect(flagVariable('dry-run')).to.equal('D3_FLAG_DRY_RUN');
    expect(INPUT_VARIABLES).to.have.lengthOf(6);
  });
});

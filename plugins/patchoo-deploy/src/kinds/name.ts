import { done, failed, type Kind, NO_ARGS } from './kind.ts';

/** The machine gets the name its record has, and is asked afterwards what it is called. */
export const name: Kind = {
  offer: { kind: 'provision-name', summary: 'Names the computer as its record says.', schema: NO_ARGS, timeout: 300 },
  async run({ memory, ports, settings }, { run }) {
    const wanted = memory.of(run).snapshot?.name ?? null;
    if (settings.setName === 'no' || wanted === null) return done('it keeps its name');
    if ((await ports.machine.facts()).name === wanted) return done(`it is called ${wanted}`);
    if (!(await ports.machine.rename(wanted))) return done(`a root folder is not named: its record says ${wanted}`);
    const now = (await ports.machine.facts()).name;
    return now === wanted
      ? done(`it is called ${wanted} now`)
      : failed(`it was named ${wanted}, and calls itself ${now}`);
  },
};

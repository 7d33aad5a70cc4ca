// Stages and commits a package, killing itself at the given step. Arguments: package, root, number of the step.
import { stageWith } from '../../src/extract/stage.ts';

const [file = '', root = '', at = '0'] = process.argv.slice(2);
let step = 0;
const onStep = () => {
  step += 1;
  if (step === Number(at)) process.kill(process.pid, 'SIGKILL');
};
const staged = await stageWith(file, { root, stagingName: '.stage' }, { onStep });
await staged.commit();
process.stdout.write(String(step));

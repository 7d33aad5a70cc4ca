// Loaded into a measured d3: writes when each stage of its start was over, in milliseconds since the process began.
const { writeFileSync } = require('node:fs');
const Module = require('node:module');

const stages = { boot: performance.now() };
const load = Reflect.get(Module.prototype, 'require');
Module.prototype.require = function require(specifier) {
  if (/\/commands\//.test(specifier)) stages.config ??= performance.now();
  const loaded = load.call(this, specifier);
  if (/\/d3-[^/]*\.cjs$/.test(specifier)) stages.bundle ??= performance.now();
  return loaded;
};
process.on('exit', () => {
  stages.command = performance.now();
  writeFileSync(process.env.BENCH_STAGES, JSON.stringify(stages));
});

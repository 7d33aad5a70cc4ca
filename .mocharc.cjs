const { availableParallelism } = require('node:os');

module.exports = {
  spec: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'plugins/*/test/**/*.test.ts'],
  require: ['./test/setup.ts'],
  extension: ['ts'],
  'node-option': ['conditions=d3-source', 'disable-warning=ExperimentalWarning'],
  parallel: true,
  // Mocha's own default leaves a processor idle: on two of them only one file at a time would run.
  jobs: availableParallelism(),
  timeout: 300_000,
  reporter: 'dot',
};

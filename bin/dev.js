// d3 from its sources, without a build:
//   node --conditions=d3-source --disable-warning=ExperimentalWarning bin/dev.js COMMAND
const path = require('node:path');

const installation = { root: path.dirname(__dirname), code: 'sources' };

async function run() {
  const { shareModules } = await import('../src/startup/shared-modules.ts');
  shareModules(installation);
  const { main } = await import('../src/main.ts');
  process.exit(await main(process.argv.slice(2), { installation }));
}

void run();

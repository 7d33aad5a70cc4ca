/** Lines of the documentation that no test of a page can run, and what proves what they say instead. */
export interface NotRun {
  page: string;
  lines: readonly string[];
  why: string;
  /** A test, a lab or a step of CI, from the top of the repository. */
  proof: string;
}

export const NOT_RUN: readonly NotRun[] = [
  {
    page: 'README.md',
    lines: [
      'npm ci && npm run quickstart   # the main job from end to end, in one folder, without root',
      'npm ci && npm test',
    ],
    why: 'npm asks a registry, and the second line is this very run; the quickstart itself is run as a line of the guide',
    proof: '.ci/run',
  },
  {
    page: 'docs/guide.md',
    lines: [
      'd3 depot migrate --to postgres://d3@db.example.org/d3 --dry-run',
      'd3 depot migrate --to postgres://d3@db.example.org/d3 --password-file /etc/d3.database',
    ],
    why: 'they need a PostgreSQL, which is the most expensive thing to start here',
    proof: 'test/depot/move.test.ts',
  },
  {
    page: 'docs/guide.md',
    lines: ['d3 run worker --jobs 4'],
    why: 'it goes on, and says nothing while there is nothing to do',
    proof: 'test/runs/workers.test.ts',
  },
  {
    page: 'docs/guides/jamf.md',
    lines: [
      'd3 jamf doctor --role admin --user jane      # as a person: the password is asked for, or is the first line of stdin',
      'd3 jamf import                                       # at a terminal: pick packages, look at each proposal, change it, agree',
    ],
    why: 'they ask somebody at a terminal',
    proof: 'plugins/jamf/test/import.test.ts',
  },
  {
    page: 'docs/deployments.md',
    lines: ['d3 deployment run shop'],
    why: 'it works on hosts over SSH',
    proof: 'plugins/staypuft/test/deploy.lab.ts',
  },
  {
    page: 'docs/deployments.md',
    lines: ['d3 proxy test site-a', 'd3 proxy hostkeys site-a --distribute'],
    why: 'they connect to a jump host',
    proof: 'plugins/staypuft/test/proxy.lab.ts',
  },
  {
    page: 'docs/guides/foreman.md',
    lines: [
      'd3 proxy test dmz',
      'd3 foreman doctor --deployment shop',
      'd3 deployment run shop',
      'd3 deployment log shop --host mac525400770001',
      'd3 client setup --answers d3-answers.json',
      'd3 client setup --answers d3-answers.json --json',
      'd3 client register db1.example.org.json --proxy dmz',
      'd3 proxy hostkeys dmz --distribute',
      'd3 deployment run office',
    ],
    why: 'they work on hosts, or come after that; the lab types this page from its first line to its last',
    proof: 'plugins/staypuft/test/scenarios.lab.ts',
  },
  {
    page: 'docs/deployment-hosts.md',
    lines: [
      'd3 proxy setup dmz root@10.0.0.7 --key /root/.ssh/id_ed25519 --dry-run',
      'd3 proxy setup dmz root@10.0.0.7 --key /root/.ssh/id_ed25519 --server puppet.example.org',
    ],
    why: 'they work on a host over SSH',
    proof: 'plugins/staypuft/test/proxy.lab.ts',
  },
  {
    page: 'docs/contracts.md',
    lines: [
      'jq .result plan.json > result.json',
      'ajv validate --strict=false -s schemas/results/sync.json -r schemas/results/shared.json -d result.json',
    ],
    why: 'jq and a validator are programs of the reader’s own',
    proof: 'test/commands/envelopes.test.ts',
  },
  {
    page: 'docs/provisioning.md',
    lines: ['d3 provision simulate', 'd3 provision simulate --path power-cut'],
    why: 'each is several deployments from end to end, which have a test of their own for every path',
    proof: 'plugins/patchoo-deploy/test/simulate.test.ts',
  },
  {
    page: 'docs/guides/no-jamf.md',
    lines: ['D3_ROOT=mac-1 d3 puppytime trigger install login-window'],
    why: 'login windows are for Macs',
    proof: 'plugins/puppytime/test/commands.test.ts',
  },
  {
    page: 'docs/serving.md',
    lines: ['d3 depot serve /srv/d3'],
    why: 'it listens on a port that others may have; the two lines before it are run',
    proof: 'test/depot/serving.test.ts',
  },
  {
    page: 'docs/from-patchoo.md',
    lines: ['exec /usr/local/bin/d3 --jamf-params "$@"'],
    why: 'it is the script of a policy of Jamf Pro, which jamf gives its parameters',
    proof: 'test/cli/jamf-params.test.ts',
  },
];

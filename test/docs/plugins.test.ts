import { followed } from '../support/pages/follow.ts';

// Plugins are linked and taken off in between, which a process that goes on does not see.
followed('docs/plugins.md', { own: /./ });

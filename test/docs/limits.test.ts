import { followed } from '../support/pages/follow.ts';

followed('docs/limits.md', {
  async begin({ does }) {
    await does('mkdir -p payload/opt && echo x > payload/opt/x');
    await does(
      'd3 pkg build payload --identifier org.example.transmogrifier --pkg-version 2.2.3 --output transmogrifier-2.2.3.pkg',
    );
  },
});

import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { settingsComeFrom } from '../../src/config/plugin-settings.ts';
import { repository } from '../cli/spawn.ts';

/** As it is where no test has said otherwise: settings of d3's own only. */
export function withoutPluginSettings(): void {
  settingsComeFrom(() => []);
}

/** The settings of the plugins that come with d3 are there, as in any start of it. To be taken back: {@link withoutPluginSettings}. */
export function withOwnPluginSettings(): void {
  const files = globSync('plugins/*/package.json', { cwd: repository });
  settingsComeFrom(() =>
    files.map((file) => {
      const pjson = JSON.parse(readFileSync(path.join(repository, file), 'utf8')) as { name: string; oclif?: unknown };
      return { name: pjson.name, pjson };
    }),
  );
}

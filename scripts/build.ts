/** Makes everything users run: plain modules and types, the bundle, the plugin index. Nothing of it is committed. */
import { spawnSync } from 'node:child_process';
import { globSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeOwnIndex } from '../src/startup/own-plugins.ts';
import { bundle } from './bundle.ts';
import { writePage } from './page.ts';

const root = path.dirname(import.meta.dirname);
/** Newer than all sources when the build is: bin/d3 looks. */
const mark = path.join(root, 'dist', '.built');

rmSync(mark, { force: true });
const projects = ['src', ...globSync('plugins/*/tsconfig.json', { cwd: root }).map(path.dirname)];
const { status } = spawnSync('tsc', ['-b', ...projects], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
await bundle(root, path.join(root, 'dist', 'bundle'));
await writePage(root, path.join(root, 'dist', 'page'));
await writeOwnIndex(root);
// d3 knows by it that it cannot be earlier than that.
writeFileSync(mark, `${new Date().toISOString()}\n`);

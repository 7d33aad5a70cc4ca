/**
 * Makes the pictures in docs/images: real commands in a real terminal, drawn as SVG, and the depot's page as a browser shows it.
 * `npm run captures` after something looks different. Without Chromium the page is left as it is.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CHROMIUM, shootPage } from './captures/page.ts';
import { terminalSvg } from './captures/svg.ts';
import { play, type Scene } from './captures/terminal.ts';

const project = path.dirname(import.meta.dirname);
const images = path.join(project, 'docs/images');

const DEPOT = [
  'export D3_DEPOT="$PWD/depot" D3_FLAG_ADMIN=sally',
  'd3 depot init depot >/dev/null 2>&1',
  'mkdir -p one two hello/usr/local/share/hello',
  'echo "hello, world" > hello/usr/local/share/hello/hello.txt',
  'echo \'{"processes": []}\' | tee one/facts.json > two/facts.json',
];

const SCENES: Readonly<Record<string, Scene>> = {
  'first-package': {
    title: 'A package is added, piloted on one machine, made live, and installed by another one as it syncs',
    before: DEPOT,
    lines: [
      'd3admin add hello -v 1.0 -s hello -p org.example.hello -g standard',
      'D3_ROOT=one d3 pilot hello-1.0-1',
      'd3admin live hello-1.0-1 -a',
      'D3_ROOT=two d3 sync',
      'D3_ROOT=two d3 list-installed',
    ],
  },
  explain: {
    title: 'd3 explain says of a package what was looked at, and what a sync would do',
    before: [
      ...DEPOT,
      'd3admin add hello -v 1.0 -s hello -p org.example.hello -g standard -x Keynote >/dev/null',
      'd3admin live hello-1.0-1 -a >/dev/null',
      'echo \'{"processes": ["Keynote"]}\' > two/facts.json',
    ],
    lines: ['D3_ROOT=two d3 explain hello', 'D3_ROOT=two d3 sync'],
  },
};

mkdirSync(images, { recursive: true });
for (const [name, scene] of Object.entries(SCENES)) {
  const file = path.join(images, `${name}.svg`);
  writeFileSync(file, terminalSvg(scene.title, await play(scene, project)));
  process.stdout.write(`${file}\n`);
}
for (const file of existsSync(CHROMIUM) ? await shootPage(images) : []) process.stdout.write(`${file}\n`);

import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Config, type Plugin, settings } from '@oclif/core';
import { expect } from 'chai';
import type { Installation } from '../../src/startup/installation.ts';
import { installedPlugins, readIndex } from '../../src/startup/installed-plugins.ts';
import { loadByOclif, ownPlugins } from '../../src/startup/own-plugins.ts';
import { pluginFrom, recordOf } from '../../src/startup/plugin-record.ts';
import { repository } from '../cli/spawn.ts';
import { BuiltD3 } from './built.ts';
import { greeting, PluginFolder } from './plugin-folder.ts';

const D3 = '0.1.0';
const sources: Installation = { root: repository.replace(/\/$/, ''), code: 'sources' };

/** What oclif makes of plugins: everything a user could tell apart. */
async function seen(plugins: readonly Plugin[]): Promise<object> {
  const config = await Config.load({
    root: sources.root,
    plugins: new Map(plugins.map((plugin) => [plugin.name, plugin])),
    userPlugins: false,
    devPlugins: false,
  });
  const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
  return plain({
    commands: Object.fromEntries(config.commands.map((command) => [command.id, { ...command, load: 0 }])),
    topics: config.topics,
    hooks: Object.fromEntries(config.getPluginsList().map(({ name, hooks }) => [name, hooks])),
    plugins: config
      .getPluginsList()
      .map(({ name, alias, type, root, version, isRoot, moduleType, valid, tag, commandIDs }) => ({
        name,
        alias,
        type,
        root,
        version,
        isRoot,
        moduleType,
        valid,
        tag,
        commandIDs: commandIDs.toSorted(),
      })),
  });
}

describe('the plugin index', function () {
  this.timeout(60_000);
  let folder: PluginFolder;
  before(() => {
    settings.enableAutoTranspile = false;
  });
  beforeEach(() => {
    folder = new PluginFolder();
  });
  afterEach(() => folder.remove());

  it('shows oclif of the plugins that come with d3 what oclif finds by itself', async () => {
    const plugins = await loadByOclif(sources);
    const records = JSON.parse(JSON.stringify(plugins.map((plugin) => recordOf(plugin))));
    expect(await seen(records.map(pluginFrom))).to.deep.equal(await seen(plugins));
  });

  it('shows what oclif finds of installed and linked plugins: commands, aliases, topics, hooks, flags', async () => {
    folder.add({
      name: 'd3-linked',
      files: { 'commands/greet/all.js': greeting('hullo'), 'commands/wave.js': greeting('wave'), 'hook.js': '' },
      hooks: { init: './hook.js', 'd3:facts': './hook.js' },
    });
    folder.add({ name: 'd3-installed', type: 'user', files: { 'commands/bow.js': greeting('bow') } });
    const { records } = await installedPlugins(folder.folder, sources, D3);
    // oclif by itself needs its own copy beside the plugins.
    symlinkSync(path.join(repository, 'node_modules'), path.join(folder.home, 'node_modules'));
    const stock = await byStockLoader(folder);
    expect(records.map(({ name }) => name)).to.deep.equal(['d3-linked', 'd3-installed']);
    expect(records.flatMap(({ problems }) => problems)).to.deep.equal([]);
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect(await seen(records.toSorted(byName).map(pluginFrom))).to.deep.equal(await seen(stock.toSorted(byName)));
  });

  it('is written once and holds until something changes', async () => {
    const root = folder.add({ name: 'd3-linked', files: { 'commands/wave.js': greeting('wave') } });
    const ids = async () => {
      const { records } = await installedPlugins(folder.folder, sources, D3);
      return records.flatMap(({ manifest }) => Object.keys(manifest.commands));
    };
    expect(await ids()).to.deep.equal(['wave']);
    const written = readFileSync(folder.index, 'utf8');
    expect(await ids()).to.deep.equal(['wave']);
    expect(readFileSync(folder.index, 'utf8')).to.equal(written);

    writeFileSync(path.join(root, 'commands', 'bow.js'), greeting('bow'));
    expect(readIndex(folder.folder, D3), 'a command was added').to.equal(null);
    expect((await ids()).sort()).to.deep.equal(['bow', 'wave']);
    expect(readIndex(folder.folder, '0.2.0'), 'another d3').to.equal(null);
    folder.add({ name: 'd3-other', files: { 'commands/nod.js': greeting('nod') } });
    expect(readIndex(folder.folder, D3), 'the list changed').to.equal(null);
    expect((await ids()).sort()).to.deep.equal(['bow', 'nod', 'wave']);
    writeFileSync(folder.index, '{"schema":');
    expect((await ids()).sort(), 'the index is damaged').to.deep.equal(['bow', 'nod', 'wave']);
  });

  it('of the build gives way to oclif when it is missing or of another d3', async () => {
    const built = new BuiltD3();
    try {
      await built.build();
      const installation: Installation = { root: built.root, code: 'bundle' };
      const file = path.join(built.root, 'dist', 'plugins.index.json');
      const names = async () => (await ownPlugins(installation)).map(({ name }) => name);
      const host = async () => (await ownPlugins(installation))[0]?.manifest.commands['version']?.relativePath?.[1];
      const all = await names();
      expect(all[0]).to.equal('@d3/cli');
      expect(await host()).to.equal('bundle');
      writeFileSync(file, readFileSync(file, 'utf8').replace(`"d3":"${D3}"`, '"d3":"9.9.9"'));
      expect(await names()).to.deep.equal(all);
      expect(await host()).to.equal('commands');
      rmSync(file);
      expect(await names()).to.deep.equal(all);
    } finally {
      built.remove();
    }
  });
});

/** The same plugins as oclif itself loads them out of the folder. */
async function byStockLoader({ folder }: PluginFolder): Promise<Plugin[]> {
  process.env['D3_DATA_DIR'] = folder;
  try {
    const config = await Config.load({ root: sources.root, devPlugins: false });
    return (config.getPluginsList() as Plugin[]).filter(({ type }) => type !== 'core');
  } finally {
    delete process.env['D3_DATA_DIR'];
  }
}

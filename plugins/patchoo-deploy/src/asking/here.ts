import { type AdminPort, D3Error, D3Errors, type MachineRecord, type PluginContext } from '@d3/sdk';
import type { ChoiceField, Screen } from '@d3/show';
import { type Assigned, assign, computerMeant, ownersOf } from '../assign.ts';
import { type Attribute, readAttributes, readingOf, valuesOf } from '../rules/attributes.ts';
import { judgeName, namePattern, proposedName } from '../rules/names.ts';
import { readTexts } from '../screens/texts.ts';
import type { WrittenSettings } from '../settings.ts';
import { type Collected, collect } from './collect.ts';
import { type Writing, writeAnswers } from './write.ts';

export interface PromptHere {
  admin: AdminPort;
  ports: Pick<PluginContext, 'machine'>;
  settings: WrittenSettings;
  /** Its serial number, name or id; null: this machine. */
  word: string | null;
  screen: Screen;
}

export interface Prompted {
  state: Collected['state'];
  computer: Assigned['computer'];
  name: string | null;
  values: Readonly<Record<string, string>>;
  /** `nothing`: there was nothing to write. */
  written: 'yes' | 'no' | 'nothing';
  /** Why nobody could be asked, or nothing was written. */
  reasons: readonly string[];
  record: Readonly<Record<string, string>>;
}

/** Asks whoever sits there what a machine is, and writes it in one change that is read back. */
export async function promptHere({ admin, ports, settings, word, screen }: PromptHere): Promise<Prompted> {
  const { buildAttribute } = settings;
  const facts = await ports.machine.facts();
  const wanted = word ?? facts.serial ?? facts.computer ?? facts.name;
  const computers = await admin.computers();
  const computer = computerMeant(wanted, computers);
  const { record } = await assign(computer.id, {}, admin, buildAttribute);
  const attributes = readAttributes(settings);
  const said = valuesOf(machineRecord(record), attributes, buildAttribute);
  const pattern = namePattern(settings.namePattern);
  const judge = (name: string, owners: readonly string[]) =>
    judgeName({
      name,
      own: computer.id,
      owners,
      pattern,
      taken: settings.nameTaken,
      unchecked: settings.nameUnchecked,
    });
  const template = settings.nameTemplate;
  const { values } = readingOf(attributes, said);
  const proposed =
    template === null ? null : proposedName(template, { serial: computer.claims.serial, model: facts.model }, values);
  const look = { texts: readTexts(settings.texts), icon: settings.icon, seconds: settings.promptSeconds };
  const collected = await collect({
    screen,
    look,
    attributes,
    name: settings.askName === 'yes' ? (record['name'] ?? proposed ?? computer.name) : null,
    said,
    checkName: (name) => {
      const verdict = judge(name, []);
      return verdict.kind === 'good' ? null : verdict.why;
    },
    judgeName: async (name) => judge(name, await ownersOf(name, admin, computers)),
    choices: (attribute) => choicesOf(attribute, admin, buildAttribute),
  });
  const { state, name, reasons } = collected;
  const shown = { state, computer: computerOf(computer), name, values: collected.values };
  const newName = name !== null && name !== record['name'] ? name : undefined;
  if (newName === undefined && Object.keys(collected.values).length === 0)
    return { ...shown, written: 'nothing', reasons, record };
  let after = record;
  const write = async (): Promise<Writing> => {
    try {
      const assigned = await assign(computer.id, assignmentOf(newName, collected.values), admin, buildAttribute);
      after = assigned.record;
      return { state: 'written' };
    } catch (error) {
      if (!(error instanceof D3Error || error instanceof D3Errors)) throw error;
      return { state: 'failed', why: (error as Error).message };
    }
  };
  const written = await writeAnswers({ screen, look, technician: false, write });
  if (written.state === 'written') return { ...shown, written: 'yes', reasons, record: after };
  return { ...shown, written: 'no', reasons: [...reasons, written.why], record };
}

function computerOf({ id, name, claims }: ReturnType<typeof computerMeant>): Assigned['computer'] {
  return { id, name, serial: claims.serial };
}

function machineRecord(record: Readonly<Record<string, string>>): MachineRecord {
  const { name, department, building, site, ...attributes } = record;
  return {
    name: name ?? null,
    department: department ?? null,
    building: building ?? null,
    site: site ?? null,
    attributes,
  };
}

function assignmentOf(name: string | undefined, values: Readonly<Record<string, string>>) {
  const eas = Object.entries(values).flatMap(([key, value]) =>
    key.startsWith('ea:') ? [`${key.slice('ea:'.length)}=${value}`] : [],
  );
  const { build, department, building, site } = values as Record<string, string | undefined>;
  return { name, build, department, building, site, eas };
}

/** @returns null where it is typed: an attribute without choices */
async function choicesOf(
  { key }: Attribute,
  admin: AdminPort,
  buildAttribute: string,
): Promise<ChoiceField['options'] | null> {
  const option = (value: string) => ({ value, label: value });
  if (key !== 'build' && !key.startsWith('ea:'))
    return (await admin.documents(key).list())
      .map(({ name }) => name)
      .toSorted((a, b) => a.localeCompare(b))
      .map(option);
  const attribute = key === 'build' ? buildAttribute : key.slice('ea:'.length);
  const document = await admin.documents('ea').byName(attribute);
  if (document === null) {
    throw new D3Error('EA_NOT_FOUND', 'notFound', `There is no extension attribute called ${attribute}.`, {
      target: attribute,
      actions: [`d3admin ea add ${attribute} --type choice --choices …`],
    });
  }
  const { type, choices } = document.body as unknown as { type: string; choices: readonly string[] };
  return type === 'choice' ? choices.map(option) : null;
}

import type { D3Error } from '@d3/sdk';
import { ATTRIBUTE_TABLE, type Attributed, attributeText, type Choices } from '../catalog/attribute-table.ts';
import { ATTRIBUTE_FLAGS, readAttributes, type TypedAttributes } from '../catalog/attributes.ts';
import { editionString } from '../catalog/names.ts';
import type { Edition, ScriptSlot } from '../catalog/types.ts';
import { type Added, type AddRequest, addEdition, type Draft, draftOf } from './add.ts';
import { namesKnown } from './attributes.ts';
import type { BuildChoices } from './build.ts';
import { type EditDraft, type Edited, editDraftOf, editEdition } from './edit.ts';
import type { AdminSession } from './session.ts';
import { editionMeant } from './targets.ts';

type Key = keyof TypedAttributes;

/** One attribute of an edition in the making, as a menu shows it. All values are as they would be typed. */
export interface AttributeView {
  key: Key;
  /** How it is given without a menu. */
  flag: string;
  label: string;
  explanation: string;
  value: string;
  /** What it is without a change; equal to `value` when nothing is changed. */
  old: string;
  /** The edition the value comes from; null when it is typed, computed or a default. */
  inheritedFrom: string | null;
  /** Whether `none` clears it. */
  none: boolean;
  list: boolean;
  choices: Choices;
}

/**
 * The attributes of an edition while somebody thinks about them: set one after the other, each checked by itself, all
 * together before they are taken in. Nothing is written before {@link AddSession.add} or {@link EditSession.save}.
 */
abstract class AttributeSession {
  protected readonly session: AdminSession;
  readonly typed: TypedAttributes = {};

  constructor(session: AdminSession) {
    this.session = session;
  }

  /**
   * Takes a value as it would be typed, if it is good by itself.
   * @returns what is wrong with it; nothing is changed then
   */
  async set(key: Key, text: string): Promise<readonly D3Error[]> {
    const { problems } = readAttributes({ [key]: text }, await namesKnown(this.session));
    if (problems.length > 0) return problems;
    this.typed[key] = text;
    // Another version counts its packages from the beginning.
    if (key === 'version') delete this.typed.revision;
    return [];
  }

  /** Takes a change back. */
  unset(key: Key): void {
    delete this.typed[key];
  }

  /** All that is wrong with what is set, the rules between attributes and the names of others included. */
  abstract problems(): Promise<readonly D3Error[]>;
  /** Every attribute, in the order of menus. */
  abstract views(): Promise<AttributeView[]>;

  async view(key: Key): Promise<AttributeView> {
    return (await this.views()).find((view) => view.key === key) as AttributeView;
  }

  /** The names a value can be chosen from; empty where any text will do. */
  async choices(key: Key): Promise<string[]> {
    const { groups, scripts, categories } = await namesKnown(this.session);
    const row = ATTRIBUTE_TABLE.find((candidate) => candidate.key === key);
    const names = (documents: readonly { name: string }[]) => documents.map(({ name }) => name);
    switch (row?.choices) {
      case 'groups':
        return [...(key === 'autoGroups' ? ['standard'] : []), ...names(groups)];
      case 'scripts':
        return names(scripts);
      case 'categories':
        return [...categories];
      case 'processors':
        return ['x86_64', 'arm64'];
      case 'yes-no':
        return ['y', 'n'];
      case 'package-scripts':
        return ['refuse', 'ignore'];
      case 'setuid':
        return ['drop', 'keep'];
      default:
        return [];
    }
  }
}

/** An edition to be added, apart from its attributes. */
export interface Outline {
  /** What it will be called; the basename alone while no version is said. */
  edition: string;
  /** The edition it inherits from; null when it begins with defaults. */
  inheritedFrom: string | null;
  /** Whose file it gets when no source is given; null when there is none to take. */
  fileFrom: string | null;
  /** How it will be built, with what this admin usually wants and what the edition before had. */
  build: BuildChoices;
}

/** Adding an edition, attribute by attribute. */
export class AddSession extends AttributeSession {
  readonly request: AddRequest;

  /** @param request what is said already; its source and build choices may be changed meanwhile */
  constructor(request: AddRequest, session: AdminSession) {
    super(session);
    this.request = request;
    Object.assign(this.typed, request.typed);
    request.typed = this.typed;
  }

  async problems(): Promise<readonly D3Error[]> {
    return (await draftOf(this.request, this.session)).problems;
  }

  async outline(): Promise<Outline> {
    const { basename, version, revision, inheritedFrom, previous, choices } = (
      await draftOf(this.request, this.session)
    ).draft;
    return {
      edition: version === '' ? basename : editionString(basename, version, revision),
      inheritedFrom,
      fileFrom: previous?.edition ?? null,
      build: choices,
    };
  }

  async views(): Promise<AttributeView[]> {
    const { draft } = await draftOf(this.request, this.session);
    const { draft: untouched } = await draftOf({ ...this.request, typed: {} }, this.session);
    return viewsOf(draft, untouched, this.typed, draft.inheritedFrom);
  }

  async add(): Promise<Added> {
    return addEdition(this.request, this.session);
  }
}

/** Editing an edition, attribute by attribute. */
export class EditSession extends AttributeSession {
  readonly edition: Edition;

  private constructor(edition: Edition, session: AdminSession) {
    super(session);
    this.edition = edition;
  }

  /** @param target an edition, its id, or a basename, which means its live edition */
  static async open(target: string, typed: TypedAttributes, session: AdminSession): Promise<EditSession> {
    const opened = new EditSession(await editionMeant(target, session), session);
    Object.assign(opened.typed, typed);
    return opened;
  }

  async problems(): Promise<readonly D3Error[]> {
    return (await editDraftOf(this.edition, this.typed, this.session)).problems;
  }

  async views(): Promise<AttributeView[]> {
    const { draft } = await editDraftOf(this.edition, this.typed, this.session);
    const { draft: untouched } = await editDraftOf(this.edition, {}, this.session);
    return viewsOf(draft, untouched, this.typed, null);
  }

  async save(): Promise<Edited> {
    return editEdition(this.edition.edition, this.typed, this.session);
  }
}

function viewsOf(
  draft: Draft | EditDraft,
  untouched: Draft | EditDraft,
  typed: TypedAttributes,
  inheritedFrom: string | null,
): AttributeView[] {
  const old = attributed(untouched);
  return ATTRIBUTE_TABLE.map(({ key, label, explanation, none, choices, list }) => ({
    key,
    flag: ATTRIBUTE_FLAGS[key],
    label,
    explanation,
    value: scriptText(key, draft, typed) ?? attributeText(key, attributed(draft), draft.groupName),
    old: attributeText(key, old, untouched.groupName),
    inheritedFrom: typed[key] !== undefined || NEVER_INHERITED.has(key) ? null : inheritedFrom,
    none,
    choices,
    list,
  }));
}

const NEVER_INHERITED: ReadonlySet<Key> = new Set(['revision', 'packageName', 'filename']);

function attributed({ attributes, version, revision, filename }: Draft | EditDraft): Attributed {
  return { ...attributes, version, revision, file: { name: filename } };
}

/** A script that is named is not looked up before it is taken in. */
function scriptText(key: Key, { read }: Draft | EditDraft, typed: TypedAttributes): string | null {
  const reference = read.scripts[key as ScriptSlot];
  if (reference === undefined) return null;
  return reference === null ? 'none' : (typed[key] ?? null);
}

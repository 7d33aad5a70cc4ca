import type { D3Error } from '@d3/sdk';
import type { TypedAttributes } from '../../catalog/attributes.ts';
import type { Criteria } from '../../catalog/criteria.ts';
import type { ScriptSlot } from '../../catalog/types.ts';

/** What another system's repository comes to in d3, whichever system it is. Pure data. */

/** Something that has no counterpart in d3, or not all of one; a type, so that it is JSON. */
export type Gap = {
  /** Which item or manifest says it, as people call it. */
  item: string;
  /** The file that says it, below the repository. */
  from: string;
  key: string;
  /** What it says. */
  what: string;
  why: string;
  /** What to do about it. */
  todo: string;
};

/** Where the package of an edition comes from. */
type ProposedSource =
  /** A file below the repository. */
  | { kind: 'file'; location: string; sha256: string | null; kilobytes: number | null }
  /** A disk image below the repository, which a Mac opens to make a package of what it holds. */
  | { kind: 'image'; location: string; sha256: string | null; kilobytes: number | null; holds: ImageContent }
  /** There is none: all is done by scripts. */
  | { kind: 'nothing' };

/** What of a disk image is installed: the path of a package in it (null: the only one at its top), or what is copied. */
export type ImageContent = { package: string | null } | { copies: ImageCopy[] };

export interface ImageCopy {
  /** Path below the volume. */
  source: string;
  /** Absolute path of the folder it goes to. */
  folder: string;
  /** What it is called there. */
  name: string;
}

/** An edition as it is to be added. */
export interface Proposal {
  item: string;
  from: string;
  basename: string;
  version: string;
  typed: TypedAttributes;
  /** By their text. */
  scripts: Partial<Record<ScriptSlot, string>>;
  source: ProposedSource;
  /** Where it comes from, it is released; at most the newest such one of a basename becomes live. */
  released: boolean;
}

/** A smart group as it is to be made. */
export interface ProposedGroup {
  name: string;
  description: string;
  criteria: Criteria;
}

/** An item that is not taken in, though nothing is wrong with it. */
export interface LeftOut {
  item: string;
  from: string;
  why: string;
}

/** What a repository comes to. */
export interface Proposed {
  /** Older ones of a basename first. */
  proposals: Proposal[];
  groups: ProposedGroup[];
  categories: string[];
  leftOut: LeftOut[];
  gaps: Gap[];
  problems: { item: string; from: string; error: D3Error }[];
}

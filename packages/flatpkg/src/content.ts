import type { Member } from './container.ts';
import type { Distribution } from './distribution.ts';
import type { Component } from './pkginfo.ts';

/** A component together with the members that hold its parts. */
export interface OpenComponent {
  info: Component;
  payload: Member | null;
  bom: Member | null;
  scripts: Member | null;
}

/** What a package says it holds. */
export interface PackageContent {
  kind: 'component' | 'product';
  components: OpenComponent[];
  /** Null but for a product archive. */
  distribution: Distribution | null;
}

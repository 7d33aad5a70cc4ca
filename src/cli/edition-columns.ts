import type { FoundEdition } from '../admin/search.ts';
import type { ShownEdition } from '../admin/show.ts';
import type { ListingColumn } from './listing.ts';
import { day } from './table-text.ts';

/** The columns the ancestor had, for `show` and `search`. */
export const editionColumns: readonly ListingColumn<ShownEdition>[] = [
  { header: 'Id', name: 'id', value: ({ id }) => id, text: null },
  { header: 'Basename', name: 'basename', value: ({ basename }) => basename, text: null },
  { header: 'Edition', name: 'edition', value: ({ edition }) => edition },
  { header: 'Status', name: 'status', value: ({ status }) => status },
  { header: 'Added', name: 'added_at', value: ({ addedAt }) => addedAt, text: ({ addedAt }) => day(addedAt) },
  { header: 'By', name: 'added_by', value: ({ addedBy }) => addedBy },
  {
    header: 'Released',
    name: 'released_at',
    value: ({ releasedAt }) => releasedAt,
    text: ({ releasedAt }) => (releasedAt === null ? '-' : day(releasedAt)),
  },
  { header: 'By', name: 'released_by', value: ({ releasedBy }) => releasedBy },
];

/** With what a search can go by besides. */
export const foundColumns: readonly ListingColumn<FoundEdition>[] = [
  ...editionColumns,
  { header: 'Category', name: 'category', value: ({ category }) => category, text: null },
  {
    header: 'Auto groups',
    name: 'auto_groups',
    value: ({ autoGroups }) => autoGroups.join(', '),
    text: null,
  },
  {
    header: 'Excluded groups',
    name: 'excluded_groups',
    value: ({ excludedGroups }) => excludedGroups.join(', '),
    text: null,
  },
];

/** Editions with their groups only. */
export const groupColumns: readonly ListingColumn<FoundEdition>[] = [
  { header: 'Edition', name: 'edition', value: ({ edition }) => edition },
  { header: 'Status', name: 'status', value: ({ status }) => status },
  { header: 'Auto groups', name: 'auto_groups', value: ({ autoGroups }) => autoGroups.join(', ') },
  { header: 'Excluded groups', name: 'excluded_groups', value: ({ excludedGroups }) => excludedGroups.join(', ') },
];

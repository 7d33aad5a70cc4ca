/** What a view of a list is given: how the address has it filtered and sorted. */
export interface ListProps {
  query: Readonly<Record<string, string>>;
  asked: (changes: Record<string, string>) => void;
}

/** Rows for other programs. */
export interface CsvTable {
  columns: readonly string[];
  /** One array per row, a cell per column; null and undefined are empty cells. */
  rows: readonly (readonly (string | number | boolean | null | undefined)[])[];
}

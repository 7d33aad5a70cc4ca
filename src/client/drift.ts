import type { DriverFor } from '../installers/index.ts';
import type { Drift, Receipt } from '../planner/receipt.ts';

/**
 * Asks those installers that keep records of their own what became of what d3 installed with them.
 * @param root absolute path of the machine's root
 * @param warn told in words where it cannot be known
 */
export async function findDrift(
  receipts: readonly Receipt[],
  driverFor: DriverFor,
  root: string,
  warn: (text: string) => void,
): Promise<Drift[]> {
  const asked = receipts.filter(({ debianPackage }) => debianPackage !== undefined);
  const [first] = asked;
  if (first === undefined) return [];
  try {
    return (await driverFor(first).drift?.(asked, root)) ?? [];
  } catch (error) {
    warn(`whether something else changed what d3 installed is not known: ${(error as Error).message}`);
    return [];
  }
}

import type { MachineSubject } from '../../src/catalog/criteria.ts';

/** A Mac that smart groups can be asked about. */
export function subject(changes: Partial<MachineSubject> = {}): MachineSubject {
  return {
    os: { name: 'macOS', version: '15.6' },
    cpu: 'arm64',
    model: 'MacBookPro18,3',
    name: 'Lab 1',
    serial: 'C02XK1ABJG5H',
    installed: ['transmogrifier', 'transmogrifier-2.1-1'],
    provisioning: { state: 'complete', build: '2026.4' },
    provisioningComplete: true,
    lastReport: () => 3,
    ...changes,
  };
}

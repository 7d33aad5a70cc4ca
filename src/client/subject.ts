import type { MachineSubject } from '../catalog/criteria.ts';
import type { MachineFacts } from '../platform/machine.ts';
import type { StateReader } from './state/state.ts';

const DAY = 86_400_000;

/** What smart groups ask of this machine. */
export function subjectHere(host: MachineFacts, state: StateReader, now: Date): MachineSubject {
  const { os, cpu, model, name, serial, provisioning, provisioningComplete } = host;
  return {
    os,
    cpu,
    model,
    name,
    serial,
    installed: state.receipts().flatMap(({ basename, edition }) => [basename, edition]),
    provisioning,
    provisioningComplete,
    lastReport() {
      const waiting = new Set(state.outbox().map(({ report }) => report.run));
      const last = state.runs().find(({ id }) => !waiting.has(id));
      if (last === undefined) return null;
      return Math.max(0, Math.floor((now.getTime() - Date.parse(last.finishedAt)) / DAY));
    },
  };
}

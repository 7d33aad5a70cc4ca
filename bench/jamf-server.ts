/** The stand-in for Jamf Pro as a process of its own, so that what is measured does not wait for it; it counts. */
import { StandIn } from '../plugins/jamf/test/support/jamf-pro.ts';

const jamf = new StandIn();
jamf.behaviours.tokenSeconds = 1800;
const [computers = 0, groups = 0] = process.argv.slice(2).map(Number);
for (let at = 0; at < computers; at += 1) {
  jamf.computers.push({
    id: String(at + 1),
    general: { name: `mac-${at}`, reportDate: new Date(Date.UTC(2026, 0, 1) + at * 1000).toISOString() },
    hardware: { serialNumber: `SERIAL${at}`, model: 'MacBook Pro', processorType: 'Apple M4' },
    operatingSystem: { version: '15.6', build: '24G84' },
    userAndLocation: { username: `user${at}`, realname: `User ${at}`, email: `user${at}@example.org` },
  });
}
for (let at = 0; at < groups; at += 1) {
  const members = Array.from({ length: Math.ceil(computers / 10) }, (_, one) =>
    String(((one * 7 + at) % computers) + 1),
  );
  jamf.addGroup({ name: `group ${at}`, members: [...new Set(members)] });
}
for (let at = 0; at < 20; at += 1) jamf.add('departments', { name: `Department ${at}` });
const url = await jamf.start();
let from = 0;
process.on('message', () => {
  const since = jamf.requests.slice(from);
  from = jamf.requests.length;
  const bytes = since.reduce((sum, { sent, answered }) => sum + sent + answered, 0);
  process.send?.({ calls: since.length, bytes, atOnce: jamf.mostAtOnce });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ url });

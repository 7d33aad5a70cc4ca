import { DiscoveryImage } from './discovery-image.ts';

/** A machine's discovery image: `FACTS`. It says when it is up, and ends when its machine restarts. */
const [facts = '{}'] = process.argv.slice(2);
const image = new DiscoveryImage(JSON.parse(facts) as Record<string, unknown>, { address: '0.0.0.0', port: 8443 });
image.onLeave = () => process.exit(0);
await image.start();
process.stdout.write('up\n');

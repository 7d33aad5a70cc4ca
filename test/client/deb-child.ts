import { drivers, installerParts } from '../../src/installers/index.ts';
import { LINUX_PROGRAMS } from '../../src/platform/programs.ts';
import { machineOf, requestOf } from '../support/machine.ts';

/** Carries out one request in a process of its own, to be killed: `node deb-child.ts ROOT DEPOT DPKG DPKG-QUERY REQUEST`. */
const [root, depot, dpkg, dpkgQuery, request] = process.argv.slice(2) as [string, string, string, string, string];
const machine = machineOf(root, depot);
const linux = { ...LINUX_PROGRAMS, dpkg, dpkgQuery };
machine.driverFor = drivers(installerParts(machine.paths.work, { platform: 'linux', linux, uid: 0 }));
machine.formats = ['pkg', 'deb'];
process.exitCode = (await requestOf(machine, JSON.parse(request))).exit;

import { type ComputerClaims, D3Error, type ProvisionedAnswer, type ProvisioningChange } from '@d3/sdk';
import { type ComputerChange, changeComputer, readComputer } from '../connector/computers.ts';
import type { Connected } from '../connector/connection.ts';
import { type JamfAttribute, listRecords, listSites } from '../connector/records.ts';
import { find, NONE, namesOf, recordOf } from './computer.ts';

/**
 * Writes a change into a computer's record, in one request, and reads it back. Every name is looked up before anything is written.
 * @throws D3Error refused for names that Jamf Pro does not have, failed when what is read back is not what was written
 */
export async function write(
  connection: Connected,
  claims: ComputerClaims,
  change: ProvisioningChange,
): Promise<ProvisionedAnswer> {
  const computer = await find(connection, claims);
  if (computer === null) return { schema: 'd3/provisioned@1', record: null };
  const wanted = await inIds(connection, change);
  const record = await connection.sequence(async (pinned) => {
    if (Object.keys(wanted).length > 0) await changeComputer(pinned, computer.id, wanted);
    const now = await readComputer(pinned, computer.id);
    return recordOf(now, await namesOf(pinned, now));
  });
  const { attributes = {}, ...fields } = change;
  const differs = [
    ...Object.entries(fields).filter(([field, value]) => record[field as 'name'] !== value),
    ...Object.entries(attributes).filter(([name, value]) => (record.attributes[name] ?? '') !== value),
  ].map(([field]) => field);
  if (differs.length === 0) return { schema: 'd3/provisioned@1', record };
  throw new D3Error('JAMF_NOT_WRITTEN', 'failed', `Jamf Pro took the change and shows another ${differs.join(', ')}`, {
    target: record.name,
    actions: [`Look at computer ${record.id} in Jamf Pro, then write it again.`],
  });
}

/** The change as Jamf Pro takes it, with ids in place of names. Every name it does not have is said at once. */
async function inIds(connection: Connected, change: ProvisioningChange): Promise<ComputerChange> {
  const { name, department, building, site, attributes = {} } = change;
  const problems: string[] = [];
  const idOf = async (
    what: string,
    wanted: string | null | undefined,
    list: () => Promise<readonly { id: string; name: string }[]>,
  ): Promise<string | undefined> => {
    if (wanted === undefined || wanted === null) return wanted === null ? NONE : undefined;
    const found = (await list()).filter((one) => one.name === wanted);
    if (found.length !== 1) problems.push(`${found.length === 0 ? 'no' : 'more than one'} ${what} is called ${wanted}`);
    return found[0]?.id;
  };
  const [departmentId, buildingId, siteId, known] = await Promise.all([
    idOf('department', department, () => listRecords(connection, 'department')),
    idOf('building', building, () => listRecords(connection, 'building')),
    idOf('site', site, () => listSites(connection)),
    Object.keys(attributes).length === 0 ? [] : listRecords(connection, 'attribute'),
  ]);
  const values = Object.entries(attributes).flatMap(([attribute, value]) => {
    const definition = known.find((one) => one.name === attribute);
    const problem = attributeProblem(attribute, value, definition);
    if (problem !== null) problems.push(problem);
    return definition === undefined ? [] : [{ definitionId: definition.id, values: value === '' ? [] : [value] }];
  });
  if (name === '') problems.push('a computer’s name is not empty');
  if (problems.length > 0) {
    throw new D3Error('JAMF_NO_CHOICE', 'refused', `Nothing was written into Jamf Pro: ${problems.join('; ')}`, {
      target: 'jamf',
      actions: ['Take one of the choices, or make it in Jamf Pro first.'],
    });
  }
  const general = { ...(name === undefined ? {} : { name }), ...(siteId === undefined ? {} : { siteId }) };
  const userAndLocation = {
    ...(departmentId === undefined ? {} : { departmentId }),
    ...(buildingId === undefined ? {} : { buildingId }),
  };
  return {
    ...(Object.keys(general).length === 0 ? {} : { general }),
    ...(Object.keys(userAndLocation).length === 0 ? {} : { userAndLocation }),
    ...(values.length === 0 ? {} : { extensionAttributes: values }),
  };
}

function attributeProblem(name: string, value: string, definition: JamfAttribute | undefined): string | null {
  if (definition === undefined) return `no extension attribute is called ${name}`;
  const { inputType, popupMenuChoices = [] } = definition;
  if (inputType !== 'TEXT' && inputType !== 'POPUP') return `${name} is filled by ${inputType}, not by d3`;
  if (inputType === 'POPUP' && value !== '' && !popupMenuChoices.includes(value))
    return `${value} is no choice of ${name}: ${popupMenuChoices.join(', ')}`;
  return null;
}

/** What a computer is looked for by, in this order; what is null is not asked for. */
export type ComputerClaims = {
  serial?: string | null;
  udid?: string | null;
  /** Counts only where exactly one computer has it. */
  name?: string | null;
  /** Whether it is the machine that d3 runs on: what is answered is kept there for `read`. */
  here?: boolean;
};

/** Who asks, where it is not the machine's own account; in a process only, never written down. */
export type ProvisioningLogin = { user: string; password: string };

/** What is written into a computer's record: what is left out stays, null takes it away. */
export type ProvisioningChange = {
  name?: string;
  department?: string | null;
  building?: string | null;
  site?: string | null;
  /** Values of extension attributes by their names; an empty one takes it away. */
  attributes?: Readonly<Record<string, string>>;
};

/**
 * A question of `d3:provisioning`.
 *
 * - `read`: what is known of this machine, as facts by name. It is asked in every run, so it is answered from what is here, without a network.
 * - `resolve`: the record of a computer.
 * - `choices`: what a record may say, and which of some policies there are.
 * - `write`: changes a record, all of it or nothing, and reads it back.
 */
export type ProvisioningQuestion =
  | { ask: 'read'; record: { computer: string | null; name: string | null; serial: string | null } }
  | { ask: 'resolve'; record: ComputerClaims; login?: ProvisioningLogin | null }
  | { ask: 'choices'; record: { policies?: readonly string[] }; login?: ProvisioningLogin | null }
  | { ask: 'write'; record: ComputerClaims & { change: ProvisioningChange }; login?: ProvisioningLogin | null };

/** A computer as whoever answers has it on record; names, never ids. */
export type ProvisioningRecord = {
  /** How whoever answers knows it. */
  id: string;
  name: string;
  department: string | null;
  building: string | null;
  site: string | null;
  /** Values of extension attributes by their names; several values are one to a line. */
  attributes: Record<string, string>;
};

/** The answer to `resolve` and `write`; null: there is no such computer. */
export type ProvisionedAnswer = { schema: 'd3/provisioned@1'; record: ProvisioningRecord | null };

/** The answer to `choices`. */
export type ChoicesAnswer = {
  schema: 'd3/provisioning-choices@1';
  departments: string[];
  buildings: string[];
  sites: string[];
  /** Extension attributes that may be written, by name; null: any text. */
  attributes: Record<string, string[] | null>;
  /** Whether there is one, by each name that was asked for. */
  policies: Record<string, boolean>;
};

/** What is wrong with an answer to a question; null when nothing is. Facts are judged by whoever takes them. */
export function provisioningProblem(ask: ProvisioningQuestion['ask'], answer: unknown): string | null {
  if (ask === 'read' || answer === null || (isObject(answer) && answer['handled'] === false)) return null;
  const schema = ask === 'choices' ? 'd3/provisioning-choices@1' : 'd3/provisioned@1';
  if (!isObject(answer) || answer['schema'] !== schema) return `the answer to ${ask} has the schema ${schema}`;
  return ask === 'choices' ? choicesProblem(answer) : recordProblem(answer['record']);
}

/** What is wrong with an answer by what it says it is: facts are any plain data. */
export function provisioningAnswerProblem(answer: unknown): string | null {
  const schema = isObject(answer) ? answer['schema'] : undefined;
  if (schema === 'd3/provisioned@1') return provisioningProblem('resolve', answer);
  return schema === 'd3/provisioning-choices@1' ? provisioningProblem('choices', answer) : null;
}

function recordProblem(record: unknown): string | null {
  if (record === null) return null;
  if (!isObject(record)) return 'a record is an object or null';
  const { id, name, department, building, site, attributes } = record;
  if (typeof id !== 'string' || id === '') return 'a record has an id';
  if (typeof name !== 'string') return 'a record has a name';
  if (![department, building, site].every((one) => one === null || typeof one === 'string'))
    return 'department, building and site of a record are a text or null';
  return isObject(attributes) && Object.values(attributes).every((one) => typeof one === 'string')
    ? null
    : 'attributes of a record are texts by name';
}

function choicesProblem(answer: Record<string, unknown>): string | null {
  for (const key of ['departments', 'buildings', 'sites'])
    if (!isTexts(answer[key])) return `${key} are a list of texts`;
  const { attributes, policies } = answer;
  if (!isObject(attributes) || !Object.values(attributes).every((one) => one === null || isTexts(one)))
    return 'attributes are lists of texts, or null, by name';
  return isObject(policies) && Object.values(policies).every((one) => typeof one === 'boolean')
    ? null
    : 'policies are true or false by name';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a switch of the environment, as `CI` or `NO_COLOR`, is on. */
export function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value.toLowerCase() !== 'false';
}

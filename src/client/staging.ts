/** Where a package is unpacked beside its target; named by the action, so that a cut run's leavings can be found. */
export function stagingName(actionId: number): string {
  return `.d3-stage-${actionId}`;
}

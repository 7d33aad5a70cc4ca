/** Ways on which a machine comes to be deployed, as they can be shown. */
export const SIMULATED_PATHS = [
  'walk',
  'out-of-the-box',
  'setup-assistant',
  'user',
  'admin',
  'remote',
  'imaging',
  'network-scan',
  'auto-advance',
  'prompt-off',
  're-deploy',
  'update-only',
  'migration',
  'renewal',
  'power-cut',
] as const;

export type SimulatedPath = (typeof SIMULATED_PATHS)[number];

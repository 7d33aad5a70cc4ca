import { Flags } from '@oclif/core';
import { foremanFlags } from './flags.ts';

export const autosignFlags = {
  ...foremanFlags,
  proxy: Flags.string({
    helpValue: 'NAME',
    summary: 'The smart proxy with the certificate authority; else the only one there is.',
  }),
};

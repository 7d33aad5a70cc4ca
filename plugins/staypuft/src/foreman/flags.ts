import { Flags } from '@oclif/core';

/** On every command that talks to Foreman: which, and as whom. */
export const foremanFlags = {
  url: Flags.string({ helpValue: 'URL', summary: 'Where Foreman is; else the setting foreman.url.' }),
  user: Flags.string({ helpValue: 'NAME', summary: 'The account in Foreman; else the setting foreman.user.' }),
  'token-file': Flags.string({
    helpValue: 'FILE',
    summary: 'The file its personal access token is in; else the setting foreman.tokenFile.',
  }),
  ca: Flags.string({
    helpValue: 'FILE',
    summary: 'Certificates (PEM) to trust besides those of the system; else the setting foreman.ca.',
  }),
};

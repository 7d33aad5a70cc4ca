import { Flags } from '@oclif/core';

/** On every command that talks to Jamf Pro: which server, and as whom. */
export const jamfFlags = {
  server: Flags.string({ helpValue: 'URL', summary: 'Where Jamf Pro is; else the setting jamf.server.' }),
  'client-id': Flags.string({ helpValue: 'ID', summary: 'The id of the API client; else the setting jamf.clientId.' }),
  'secret-file': Flags.string({
    helpValue: 'FILE',
    summary: 'The file its secret is in; else the setting jamf.secretFile.',
  }),
  user: Flags.string({
    helpValue: 'NAME',
    summary: 'Log in as this person instead; the password is asked for, or is the first line of stdin.',
    exclusive: ['client-id', 'secret-file'],
  }),
};

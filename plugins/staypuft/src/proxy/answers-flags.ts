import { Flags } from '@oclif/core';

/** What hosts are to be told, on every command that tells them: of their Puppet server, and of who is let in from where. */
export const answersFlags = {
  server: Flags.string({ helpValue: 'FQDN', summary: 'The Puppet server; left out, Puppet is left alone.' }),
  'ca-server': Flags.string({
    helpValue: 'FQDN',
    summary: 'Its certificate authority, if another.',
    dependsOn: ['server'],
  }),
  environment: Flags.string({
    helpValue: 'NAME',
    summary: 'The environment of the agent until it is deployed; discovery.',
    dependsOn: ['server'],
  }),
  user: Flags.string({ helpValue: 'NAME', summary: 'The account of the host the key is for; root.' }),
  from: Flags.string({
    helpValue: 'ADDRESSES',
    summary: 'From where alone the key is taken: from= of authorized_keys.',
  }),
};

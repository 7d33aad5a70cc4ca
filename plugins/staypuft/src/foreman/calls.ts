/** One call to Foreman's API. */
export interface Call {
  method: 'get' | 'post' | 'put' | 'delete';
  path: string;
  /** What the account needs to be allowed to make it. */
  permission: string | null;
}

/** Every call this plugin makes to Foreman, and what it takes: nothing of what was removed since 2014 is among them. */
export const CALLS = {
  status: { method: 'get', path: '/api/v2/status', permission: null },
  plugins: { method: 'get', path: '/api/v2/plugins', permission: 'view_plugins' },
  setting: { method: 'get', path: '/api/v2/settings/{id}', permission: 'view_settings' },

  hosts: { method: 'get', path: '/api/v2/hosts', permission: 'view_hosts' },
  host: { method: 'get', path: '/api/v2/hosts/{id}', permission: 'view_hosts' },
  changeHost: { method: 'put', path: '/api/v2/hosts/{id}', permission: 'edit_hosts' },
  hostFacts: { method: 'get', path: '/api/v2/hosts/{id}/facts', permission: 'view_facts' },
  buildStatus: { method: 'get', path: '/api/v2/hosts/{id}/status/build', permission: 'view_hosts' },
  rebuildConfig: { method: 'put', path: '/api/v2/hosts/{id}/rebuild_config', permission: 'build_hosts' },
  power: { method: 'put', path: '/api/v2/hosts/{id}/power', permission: 'power_hosts' },
  template: { method: 'get', path: '/api/v2/hosts/{id}/template/{kind}', permission: 'view_hosts' },

  discovered: { method: 'get', path: '/api/v2/discovered_hosts', permission: 'view_discovered_hosts' },
  discoveredHost: { method: 'get', path: '/api/v2/discovered_hosts/{id}', permission: 'view_discovered_hosts' },
  convert: { method: 'put', path: '/api/v2/discovered_hosts/{id}', permission: 'provision_discovered_hosts' },
  refreshFacts: {
    method: 'put',
    path: '/api/v2/discovered_hosts/{id}/refresh_facts',
    permission: 'edit_discovered_hosts',
  },

  hostgroups: { method: 'get', path: '/api/v2/hostgroups', permission: 'view_hostgroups' },
  hostgroup: { method: 'get', path: '/api/v2/hostgroups/{id}', permission: 'view_hostgroups' },
  subnet: { method: 'get', path: '/api/v2/subnets/{id}', permission: 'view_subnets' },
  environments: { method: 'get', path: '/api/v2/environments', permission: 'view_environments' },
  createEnvironment: { method: 'post', path: '/api/v2/environments', permission: 'create_environments' },

  classParameters: { method: 'get', path: '/api/v2/smart_class_parameters', permission: 'view_external_parameters' },
  changeClassParameter: {
    method: 'put',
    path: '/api/v2/smart_class_parameters/{id}',
    permission: 'edit_external_parameters',
  },
  overrides: {
    method: 'get',
    path: '/api/v2/smart_class_parameters/{id}/override_values',
    permission: 'view_external_parameters',
  },
  createOverride: {
    method: 'post',
    path: '/api/v2/smart_class_parameters/{id}/override_values',
    permission: 'edit_external_parameters',
  },
  changeOverride: {
    method: 'put',
    path: '/api/v2/smart_class_parameters/{id}/override_values/{override}',
    permission: 'edit_external_parameters',
  },
  deleteOverride: {
    method: 'delete',
    path: '/api/v2/smart_class_parameters/{id}/override_values/{override}',
    permission: 'edit_external_parameters',
  },

  proxies: { method: 'get', path: '/api/v2/smart_proxies', permission: 'view_smart_proxies' },
  proxy: { method: 'get', path: '/api/v2/smart_proxies/{id}', permission: 'view_smart_proxies' },
  autosign: {
    method: 'get',
    path: '/api/v2/smart_proxies/{id}/autosign',
    permission: 'view_smart_proxies_autosign',
  },
  addAutosign: {
    method: 'post',
    path: '/api/v2/smart_proxies/{id}/autosign',
    permission: 'create_smart_proxies_autosign',
  },
  removeAutosign: {
    method: 'delete',
    path: '/api/v2/smart_proxies/{id}/autosign/{name}',
    permission: 'destroy_smart_proxies_autosign',
  },

  jobTemplates: { method: 'get', path: '/api/v2/job_templates', permission: 'view_job_templates' },
  jobTemplate: { method: 'get', path: '/api/v2/job_templates/{id}', permission: 'view_job_templates' },
  importJobTemplate: { method: 'post', path: '/api/v2/job_templates/import', permission: 'create_job_templates' },
  createJob: { method: 'post', path: '/api/v2/job_invocations', permission: 'create_job_invocations' },
  jobOutput: {
    method: 'get',
    path: '/api/v2/job_invocations/{id}/hosts/{host}',
    permission: 'view_job_invocations',
  },
  cancelJob: { method: 'post', path: '/api/v2/job_invocations/{id}/cancel', permission: 'cancel_job_invocations' },

  register: { method: 'post', path: '/api/v2/registration_commands', permission: 'register_hosts' },
} as const satisfies Record<string, Call>;

export type CallName = keyof typeof CALLS;

export interface Call {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Newest first: what a server does not have is asked for under the next. The Classic API's begin with /JSSResource. */
  paths: readonly string[];
  /** Which of the site's API clients makes it. */
  roles: readonly Role[];
  /** What it needs where the server's schema names no privilege: nowhere in that of the Classic API. */
  privileges?: readonly string[];
}

/** The depot, which pulls; administrators, who push; and what provisions computers: a technician, or a machine's own client. */
export const ROLES = ['server', 'admin', 'client'] as const;
export type Role = (typeof ROLES)[number];

const ANYBODY: readonly Role[] = ROLES;
const READERS: readonly Role[] = ['server', 'admin'];
const ADMIN: readonly Role[] = ['admin'];
const PEOPLE: readonly Role[] = ['admin', 'client'];

/** Every call this plugin makes to Jamf Pro. `d3 jamf roles` and the schema in `schema/` follow from it. */
export const CALLS = {
  clientToken: { method: 'post', paths: ['/v1/oauth/token', '/oauth/token'], roles: ANYBODY },
  userToken: { method: 'post', paths: ['/v1/auth/token'], roles: PEOPLE },
  invalidateToken: { method: 'post', paths: ['/v1/auth/invalidate-token'], roles: PEOPLE },
  authorization: { method: 'get', paths: ['/v1/auth'], roles: ANYBODY },
  version: { method: 'get', paths: ['/v1/jamf-pro-version'], roles: ANYBODY },

  packages: { method: 'get', paths: ['/v1/packages'], roles: READERS },
  package: { method: 'get', paths: ['/v1/packages/{id}'], roles: READERS },
  createPackage: { method: 'post', paths: ['/v1/packages'], roles: ADMIN },
  replacePackage: { method: 'put', paths: ['/v1/packages/{id}'], roles: ADMIN },
  deletePackage: { method: 'delete', paths: ['/v1/packages/{id}'], roles: ADMIN },
  uploadPackage: { method: 'post', paths: ['/v1/packages/{id}/upload'], roles: ADMIN },
  notePackage: { method: 'post', paths: ['/v1/packages/{id}/history'], roles: ADMIN },
  cloudDistributionPoint: { method: 'get', paths: ['/v1/cloud-distribution-point'], roles: READERS },
  uploadCapability: { method: 'get', paths: ['/v1/cloud-distribution-point/upload-capability'], roles: READERS },
  cloudFiles: { method: 'get', paths: ['/v1/jcds/files'], roles: ADMIN },
  cloudFile: { method: 'get', paths: ['/v1/jcds/files/{fileName}'], roles: ADMIN },
  refreshCloudFile: { method: 'post', paths: ['/v1/cloud-distribution-point/refresh-inventory'], roles: ADMIN },

  scripts: { method: 'get', paths: ['/v1/scripts'], roles: READERS },
  script: { method: 'get', paths: ['/v1/scripts/{id}'], roles: READERS },
  createScript: { method: 'post', paths: ['/v1/scripts'], roles: ADMIN },
  replaceScript: { method: 'put', paths: ['/v1/scripts/{id}'], roles: ADMIN },
  deleteScript: { method: 'delete', paths: ['/v1/scripts/{id}'], roles: ADMIN },

  categories: { method: 'get', paths: ['/v1/categories'], roles: READERS },
  category: { method: 'get', paths: ['/v1/categories/{id}'], roles: READERS },
  createCategory: { method: 'post', paths: ['/v1/categories'], roles: ADMIN },
  replaceCategory: { method: 'put', paths: ['/v1/categories/{id}'], roles: ADMIN },
  deleteCategory: { method: 'delete', paths: ['/v1/categories/{id}'], roles: ADMIN },

  departments: { method: 'get', paths: ['/v1/departments'], roles: ANYBODY },
  department: { method: 'get', paths: ['/v1/departments/{id}'], roles: ANYBODY },
  createDepartment: { method: 'post', paths: ['/v1/departments'], roles: ADMIN },
  replaceDepartment: { method: 'put', paths: ['/v1/departments/{id}'], roles: ADMIN },
  deleteDepartment: { method: 'delete', paths: ['/v1/departments/{id}'], roles: ADMIN },

  buildings: { method: 'get', paths: ['/v1/buildings'], roles: ANYBODY },
  building: { method: 'get', paths: ['/v1/buildings/{id}'], roles: ANYBODY },
  createBuilding: { method: 'post', paths: ['/v1/buildings'], roles: ADMIN },
  replaceBuilding: { method: 'put', paths: ['/v1/buildings/{id}'], roles: ADMIN },
  deleteBuilding: { method: 'delete', paths: ['/v1/buildings/{id}'], roles: ADMIN },

  sites: { method: 'get', paths: ['/v1/sites'], roles: ANYBODY },

  attributes: { method: 'get', paths: ['/v1/computer-extension-attributes'], roles: ANYBODY },
  attribute: { method: 'get', paths: ['/v1/computer-extension-attributes/{id}'], roles: ANYBODY },
  createAttribute: { method: 'post', paths: ['/v1/computer-extension-attributes'], roles: ADMIN },
  replaceAttribute: { method: 'put', paths: ['/v1/computer-extension-attributes/{id}'], roles: ADMIN },
  deleteAttribute: { method: 'delete', paths: ['/v1/computer-extension-attributes/{id}'], roles: ADMIN },

  groups: { method: 'get', paths: ['/v1/computer-groups'], roles: READERS },
  staticGroups: {
    method: 'get',
    paths: ['/v3/computer-groups/static-groups', '/v2/computer-groups/static-groups'],
    roles: READERS,
  },
  smartGroups: {
    method: 'get',
    paths: ['/v3/computer-groups/smart-groups', '/v2/computer-groups/smart-groups'],
    roles: READERS,
  },
  smartMembers: {
    method: 'get',
    paths: ['/v3/computer-groups/smart-group-membership/{id}', '/v2/computer-groups/smart-group-membership/{id}'],
    roles: READERS,
  },
  deleteStaticGroup: {
    method: 'delete',
    paths: ['/v3/computer-groups/static-groups/{id}', '/v2/computer-groups/static-groups/{id}'],
    roles: ADMIN,
  },
  deleteSmartGroup: {
    method: 'delete',
    paths: ['/v3/computer-groups/smart-groups/{id}', '/v2/computer-groups/smart-groups/{id}'],
    roles: ADMIN,
  },
  // The only one that names who is in a static group.
  groupMembers: {
    method: 'get',
    paths: ['/JSSResource/computergroups/id/{id}'],
    roles: READERS,
    privileges: ['Read Smart Computer Groups', 'Read Static Computer Groups'],
  },

  computers: {
    method: 'get',
    paths: ['/v4/computers-inventory', '/v3/computers-inventory', '/v1/computers-inventory'],
    roles: ['server', 'client'],
  },
  computer: {
    method: 'get',
    paths: [
      '/v4/computers-inventory-detail/{id}',
      '/v3/computers-inventory-detail/{id}',
      '/v1/computers-inventory-detail/{id}',
    ],
    roles: ['server', 'client'],
  },
  changeComputer: {
    method: 'patch',
    paths: [
      '/v4/computers-inventory-detail/{id}',
      '/v3/computers-inventory-detail/{id}',
      '/v2/computers-inventory-detail/{id}',
      '/v1/computers-inventory-detail/{id}',
    ],
    roles: ['client'],
  },
  recalculateComputer: { method: 'post', paths: ['/v1/computers/{id}/recalculate-smart-groups'], roles: ADMIN },

  policies: { method: 'get', paths: ['/JSSResource/policies'], roles: READERS, privileges: ['Read Policies'] },
  policy: { method: 'get', paths: ['/JSSResource/policies/id/{id}'], roles: READERS, privileges: ['Read Policies'] },
  policyByName: {
    method: 'get',
    paths: ['/JSSResource/policies/name/{name}'],
    roles: ANYBODY,
    privileges: ['Read Policies'],
  },
} as const satisfies Record<string, Call>;

export type CallName = keyof typeof CALLS;

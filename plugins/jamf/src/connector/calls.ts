export interface Call {
  method: 'get' | 'post' | 'put' | 'delete';
  /** Newest first: what a server does not have is asked for under the next. */
  paths: readonly string[];
  /** Which of the site's API clients makes it. */
  roles: readonly Role[];
}

export type Role = 'server' | 'admin';

const ANYBODY: readonly Role[] = ['server', 'admin'];
const ADMIN: readonly Role[] = ['admin'];
const SERVER: readonly Role[] = ['server'];

/** Every call this plugin makes to Jamf Pro. `d3 jamf roles` and the schema in `schema/` follow from it. */
export const CALLS = {
  clientToken: { method: 'post', paths: ['/v1/oauth/token', '/oauth/token'], roles: ANYBODY },
  userToken: { method: 'post', paths: ['/v1/auth/token'], roles: ADMIN },
  invalidateToken: { method: 'post', paths: ['/v1/auth/invalidate-token'], roles: ADMIN },
  packages: { method: 'get', paths: ['/v1/packages'], roles: ANYBODY },
  package: { method: 'get', paths: ['/v1/packages/{id}'], roles: ANYBODY },
  createPackage: { method: 'post', paths: ['/v1/packages'], roles: ADMIN },
  replacePackage: { method: 'put', paths: ['/v1/packages/{id}'], roles: ADMIN },
  uploadPackage: { method: 'post', paths: ['/v1/packages/{id}/upload'], roles: ADMIN },
  categories: { method: 'get', paths: ['/v1/categories'], roles: ADMIN },
  cloudFiles: { method: 'get', paths: ['/v1/jcds/files'], roles: ADMIN },
  cloudFile: { method: 'get', paths: ['/v1/jcds/files/{fileName}'], roles: ADMIN },
  computers: {
    method: 'get',
    paths: ['/v4/computers-inventory', '/v3/computers-inventory', '/v1/computers-inventory'],
    roles: SERVER,
  },
} as const satisfies Record<string, Call>;

export type CallName = keyof typeof CALLS;

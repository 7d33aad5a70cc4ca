import path from 'node:path';

/** Where d3 itself is, and which of its code runs. */
export interface Installation {
  /** Absolute path of d3's own folder, without a slash at its end. */
  root: string;
  /** `bundle` is what a build makes for users, `dist` its plain modules, should the bundle be missing. */
  code: 'sources' | 'bundle' | 'dist';
}

/** @param module its path under `src`, without ending */
export function codeFile({ root, code }: Installation, module: string): string {
  if (code === 'sources') return path.join(root, 'src', `${module}.ts`);
  return code === 'bundle' ? path.join(root, 'dist/bundle', `${module}.cjs`) : path.join(root, 'dist', `${module}.js`);
}

import { defineHook } from '@d3/sdk';
import { KINDS } from '../kinds.ts';

export default defineHook('d3:steps', () => KINDS.map(({ offer }) => offer));

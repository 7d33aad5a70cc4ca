/** This plugin's name on the bus, as in its package.json. */
export const PLUGIN = '@d3/plugin-expiration';

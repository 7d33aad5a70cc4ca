/** Seconds a command waits for another run to end, unless it says otherwise. */
export const PATIENCE = 600;

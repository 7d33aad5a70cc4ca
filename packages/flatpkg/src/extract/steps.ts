/** Called before every change of the disk, with the name of what comes. Lets tests cut the work anywhere. */
export type StepHook = (step: string) => void;

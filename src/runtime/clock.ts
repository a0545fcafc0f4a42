/** The present time. Handed in, so that tests and replays have their own; nothing below the composition reads a clock. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();

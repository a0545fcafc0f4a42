import type { CommandBus } from '../runtime/command-bus.js';

/**
 * The command bus for work that nobody waits for: at most so much of it is on its way at once, the rest queues here, first come first
 * served, and not in the bus, which refuses everybody when too much waits. What one caller asks of one stream keeps its order.
 */
export const boundedBus = (bus: CommandBus, atOnce: number): CommandBus => {
  const waiting: (() => void)[] = [];
  let running = 0;

  const bounded = async <Result>(act: () => Promise<Result>): Promise<Result> => {
    // Whoever leaves hands its place over, so nobody who comes later is before those who wait.
    if (running >= atOnce) await new Promise<void>((admit) => waiting.push(admit));
    else running += 1;
    try {
      return await act();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };

  return {
    ...bus,
    execute: (decider, id, command, context) => bounded(() => bus.execute(decider, id, command, context)),
    load: (decider, id, options) => bounded(() => bus.load(decider, id, options)),
  };
};

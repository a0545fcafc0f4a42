import { expect } from '@jest/globals';
import type { Decider, DomainEvent } from '../../src/domain/decider.js';
import type { EventDefinition } from '../../src/domain/event-definition.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import { createCodec, type EventCodec } from '../../src/runtime/codec.js';
import type { CommandBus, CommandContext } from '../../src/runtime/command-bus.js';
import { createCommandRunner } from '../../src/runtime/command-runner.js';
import type { EventStore, RecordedEvent, StoredEvent } from '../../src/runtime/event-store.js';
import { createMemoryEventStore, type MemoryEventStore } from './memory-event-store.js';

/**
 * A process has no memory but the log, so it may die anywhere. Given what was done, when something comes, then these facts; and the
 * same end when the process is cut after every single append and another one runs `advance`:
 *
 *     const { given } = processSpec(({ bus }) => ({ bus, orders: createOrderProcess(bus) }));
 *     const stocked = given(done(stock, 'main~A', { type: 'receive', receiptId: 'r', quantity: 5 }));
 *     const placing = stocked.when(({ orders }) => orders.execute('web~1', place, context()));
 *
 *     await placing.thenEvents({ 'order-web~1': ['OrderPlaced', 'OrderReserved'], 'stock-main~A': ['StockHeld'] });
 *     await placing.thenCutAnywhere({ advance: ({ orders }) => orders.advance('web~1', context()) });
 *
 * Commands run through the real command runner, on a log in memory.
 */
export interface Workplace {
  readonly bus: CommandBus;
  readonly store: EventStore;
  readonly codec: EventCodec;
}

/** Something done with the parts of one process, such as a command or an `advance`. */
export type Step<Parts> = (parts: Parts) => Promise<unknown>;

export interface Ending<Parts> {
  /** What any process does, later, for what another left behind. Done once more at the end, it must append nothing. */
  readonly advance: Step<Parts>;
  /** What must come out the same as without trouble; the facts of every stream when absent. */
  readonly outcome?: (parts: Parts, log: readonly StoredEvent[]) => unknown;
  /** What must hold at every end: throws where it does not. */
  readonly always?: Step<Parts>;
}

export interface Cut<Parts> extends Ending<Parts> {
  /** Happens between the death and `advance`. The end may then be another one, so that only `always` is checked. */
  readonly meanwhile?: Step<Parts>;
}

export interface Happening<Parts> {
  /**
   * Exactly these facts are new, in the order of their stream: by type, or whole. Resolves with a process that has just started, for
   * closer looks.
   */
  thenEvents(expected: Readonly<Record<string, readonly (string | DomainEvent)[]>>): Promise<Parts>;
  /**
   * Cut after every append: the process stops there for ever, another one advances. Where nothing was appended, whoever asked asks
   * again. Resolves with how many deaths it died.
   */
  thenCutAnywhere(cut: Cut<Parts>): Promise<number>;
  /** Two processes do it at the same time, one advances: the same end as if one had done it. */
  thenTwoAtOnce(ending: Ending<Parts>): Promise<void>;
}

let contexts = 0;
/** What comes with a command; each has an id of its own. */
export const context = (effectiveAt = '2026-01-15T11:00:00.000Z'): CommandContext => {
  contexts += 1;
  const id = `command-${contexts}`;
  return { commandId: id, correlationId: id, actor: 'test', effectiveAt };
};

/** A command that was accepted; throws what it was refused with. */
export const done =
  <Command, Event extends DomainEvent, State>(
    decider: Decider<Command, Event, State>,
    id: string,
    command: Command,
  ): Step<{ readonly bus: CommandBus }> =>
  async ({ bus }) => {
    const result = await bus.execute(decider, id, command, context());
    if (result.status === 'rejected') throw new Error(`given ${id}: ${result.rejection.code}`);
  };

/** The facts of every stream, without what differs from run to run. */
const factsOf = (log: readonly StoredEvent[]): Record<string, { type: string; data: unknown }[]> => {
  const facts: Record<string, { type: string; data: unknown }[]> = {};
  for (const { stream, type, data } of log) {
    const ofStream = facts[stream] ?? [];
    facts[stream] = ofStream;
    ofStream.push({ type, data });
  }
  return facts;
};

/** The store as a process sees it that stops for ever when it asks for one append more than it is left. */
const mortal = (store: MemoryEventStore, appendsLeft: number) => {
  let appends = 0;
  let die: () => void = () => undefined;
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  const never = new Promise<never>(() => undefined);
  let dead = false;
  const view: EventStore = {
    ...store,
    append: async (stream, events, expected) => {
      dead ||= appends >= appendsLeft;
      if (dead) {
        die();
        return never;
      }
      appends += 1;
      const outcome = await store.append(stream, events, expected);
      // Refused, because the stream was elsewhere: nothing was appended.
      if (!outcome.ok) appends -= 1;
      return outcome;
    },
    async *readStream(stream, from) {
      if (dead) await never;
      yield* store.readStream(stream, from);
    },
  };
  return { view, died, appends: () => appends };
};

/** `start` makes what one process is made of: what an earlier one had in memory is gone with it. */
export const processSpec = <Parts>(
  start: (at: Workplace) => Parts,
  definitions: readonly EventDefinition[] = allEventDefinitions,
) => {
  const codec = createCodec(definitions);
  const startOn = (store: EventStore): Parts =>
    start({ store, codec, bus: createCommandRunner({ store, codec }) });

  const endOf = (store: MemoryEventStore, { outcome }: Ending<Parts>): unknown =>
    outcome === undefined ? factsOf(store.log) : outcome(startOn(store), store.log);

  const expectSettled = async (store: MemoryEventStore, { always, advance }: Ending<Parts>) => {
    await always?.(startOn(store));
    const settled = store.log.length;
    await advance(startOn(store));
    expect(factsOf(store.log.slice(settled))).toEqual({});
  };

  return {
    given: (...before: readonly Step<Parts>[]) => {
      const prepare = async (): Promise<MemoryEventStore> => {
        const store = createMemoryEventStore();
        const parts = startOn(store);
        for (const step of before) await step(parts);
        return store;
      };

      return {
        /** Everything that happened so far, as projections get it. */
        recorded: async (): Promise<RecordedEvent[]> => (await prepare()).log.map(codec.decode),

        when: (step: Step<Parts>): Happening<Parts> => ({
          thenEvents: async (expected) => {
            const store = await prepare();
            const begin = store.log.length;
            await step(startOn(store));
            const facts = Object.entries(factsOf(store.log.slice(begin))).map(([stream, events]) => [
              stream,
              events.map((event, index) =>
                typeof expected[stream]?.[index] === 'string' ? event.type : event,
              ),
            ]);
            expect(Object.fromEntries(facts)).toEqual(expected);
            return startOn(store);
          },

          thenCutAnywhere: async (cut) => {
            const { advance, meanwhile } = cut;
            const prepared = await prepare();
            const whole = prepared.fork();
            const undisturbed = mortal(whole, Number.POSITIVE_INFINITY);
            await step(startOn(undisturbed.view));
            const end = await endOf(whole, cut);
            // Else there is nothing to cut.
            expect(undisturbed.appends()).toBeGreaterThan(0);
            for (let appends = 0; appends <= undisturbed.appends(); appends += 1) {
              try {
                const store = prepared.fork();
                const { view, died } = mortal(store, appends);
                await Promise.race([step(startOn(view)), died]);
                const began = store.log.length > prepared.log.length;
                await meanwhile?.(startOn(store));
                await (began ? advance : step)(startOn(store));
                if (meanwhile === undefined) expect(await endOf(store, cut)).toEqual(end);
                await expectSettled(store, cut);
              } catch (cause) {
                const what = cause instanceof Error ? cause.message : String(cause);
                throw new Error(`cut after ${appends} of ${undisturbed.appends()} appends: ${what}`, {
                  cause,
                });
              }
            }
            return undisturbed.appends() + 1;
          },

          thenTwoAtOnce: async (ending) => {
            const prepared = await prepare();
            const whole = prepared.fork();
            await step(startOn(whole));
            const store = prepared.fork();
            // In any order: the slower of two appends is refused, and decided again.
            store.onAppend = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
            await Promise.all([step(startOn(store)), step(startOn(store))]);
            await ending.advance(startOn(store));
            expect(await endOf(store, ending)).toEqual(await endOf(whole, ending));
            await expectSettled(store, ending);
          },
        }),
      };
    },
  };
};

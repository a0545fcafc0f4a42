import { describe, expect, test } from '@jest/globals';
import type { Decider } from '../../src/domain/decider.js';
import type { CommandBus } from '../../src/runtime/command-bus.js';
import {
  type CounterCommand,
  type CounterEvent,
  type CounterState,
  counter,
  counterEvents,
} from './counter.js';
import { deciderSpec } from './decider-spec.js';
import { context, done, processSpec } from './process-spec.js';

/** The helpers see what they are for: each finds the mistake that it exists for. */
const added = (units: number): CounterEvent => ({ type: 'Added', data: { units } });

describe('a decider spec', () => {
  const { given } = deciderSpec(counterEvents);

  test('finds a decider that decides the same twice, and one whose event its schema refuses', () => {
    const add = { type: 'add', units: 2 } as const;
    // It has no business id, so once more is twice.
    expect(() => given(counter).when(add).thenEvents(added(2))).toThrow('deep equality');
    expect(() => given(counter).when({ type: 'reach', total: 2 }).thenEvents(added(2))).not.toThrow();
    const reckless: Decider<CounterCommand, CounterEvent, CounterState> = {
      ...counter,
      decide: (_, { total }) => (total > 0 ? [] : [added(0.5)]),
    };
    expect(() => given(reckless).when(add).thenEvents(added(0.5))).toThrow('units');
  });

  test('finds a rejection where there should be facts, and facts where there should be a rejection', () => {
    const take = { type: 'take', units: 1 } as const;
    expect(() => given(counter).when(take).thenNothing()).toThrow();
    expect(() => given(counter, added(3)).when(take).thenRejected('too_few')).toThrow('not rejected');
  });
});

describe('a process spec', () => {
  interface Parts {
    readonly bus: CommandBus;
    /** Brings the second counter to where the first one is. */
    readonly follow: () => Promise<unknown>;
  }
  const reach = (id: string, total: number) => done(counter, id, { type: 'reach', total });
  const spec = (follow: (bus: CommandBus) => () => Promise<unknown>) =>
    processSpec<Parts>(({ bus }) => ({ bus, follow: follow(bus) }), counterEvents)
      .given(reach('one', 1), reach('two', 1))
      .when(async ({ bus, follow: run }) => {
        await reach('one', 5)({ bus });
        await run();
      });
  const advance = ({ follow }: Parts): Promise<unknown> => follow();

  const sound = (bus: CommandBus) => async () =>
    reach('two', (await bus.load(counter, 'one')).state.total)({ bus });

  test('is content with a process that looks at its stream and names a target', async () => {
    await spec(sound).thenEvents({ 'counter-one': [added(4)], 'counter-two': ['Added'] });
    expect(await spec(sound).thenCutAnywhere({ advance })).toBe(3);
    await spec(sound).thenTwoAtOnce({ advance });
  });

  test('finds one that keeps in memory what is left to do', async () => {
    const forgetful = (bus: CommandBus) => {
      const begun = bus.load(counter, 'one').then(({ state }) => state.total);
      return async () => {
        const now = (await bus.load(counter, 'one')).state.total;
        if (now > (await begun)) await reach('two', now)({ bus });
      };
    };
    await expect(spec(forgetful).thenCutAnywhere({ advance })).rejects.toThrow('cut after 1 of 2 appends');
  });

  test('finds one that adds a difference, when it runs again and when two run', async () => {
    const careless = (bus: CommandBus) => () =>
      bus.execute(counter, 'two', { type: 'add', units: 4 }, context());
    await expect(spec(careless).thenCutAnywhere({ advance })).rejects.toThrow('cut after');
    await expect(spec(careless).thenTwoAtOnce({ advance })).rejects.toThrow('deep equality');
  });

  test('finds what does not hold, and a set-up that was refused', async () => {
    const always = async ({ bus }: Parts) =>
      expect((await bus.load(counter, 'two')).state.total).toBeLessThan(5);
    await expect(spec(sound).thenCutAnywhere({ advance, always })).rejects.toThrow(
      'cut after 0 of 2 appends',
    );
    const refused = processSpec(({ bus }) => ({ bus }), counterEvents)
      .given(done(counter, 'one', { type: 'take', units: 9 }))
      .when(reach('one', 1));
    await expect(refused.thenEvents({})).rejects.toThrow('given one');
  });
});

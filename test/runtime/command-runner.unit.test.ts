import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CommandBus, CommandContext, CommandResult, Loaded } from '../../src/runtime/command-bus.js';
import { COMMAND_WINDOW } from '../../src/runtime/command-bus.js';
import {
  type CommandMetrics,
  createCommandRunner,
  type RunnerLimits,
} from '../../src/runtime/command-runner.js';
import { type EventStore, EventStoreUnavailable, type StoredEvent } from '../../src/runtime/event-store.js';
import type { Snapshots } from '../../src/runtime/snapshots.js';
import {
  type CounterCommand,
  type CounterEvent,
  type CounterState,
  contextOf,
  counter,
  counterCodec,
  hashOf,
} from '../support/counter.js';
import { createMemoryEventStore } from '../support/memory-event-store.js';
import { createMemorySnapshots, EAGER, singly } from '../support/memory-snapshots.js';

type Result = CommandResult<CounterEvent, CounterState>;

const setup = (limits: Partial<RunnerLimits> = {}, metrics: CommandMetrics = {}) => {
  const store = createMemoryEventStore();
  const bus = createCommandRunner({ store, codec: counterCodec, limits, metrics });
  const run = (command: CounterCommand, context: CommandContext = contextOf()): Promise<Result> =>
    bus.execute(counter, 'x', command, context);
  return { store, bus, run };
};
const anotherRunner = (store: EventStore, snapshots?: Snapshots): CommandBus =>
  createCommandRunner({
    store,
    codec: counterCodec,
    limits: { conflictPauseMs: 1 },
    ...(snapshots === undefined ? {} : { snapshots }),
  });

const keyed = (command: CounterCommand, commandId: string): CommandContext =>
  contextOf({ commandId, requestHash: hashOf(command) });

const foldOf = (log: readonly StoredEvent[]): CounterState =>
  log.reduce<CounterState>(
    (state, stored) => counter.evolve(state, counterCodec.decode(stored).event as CounterEvent),
    counter.initialState,
  );

/** A gate that holds appends back until it is opened. */
const gate = () => {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
};

describe('batches', () => {
  test('commands that wait while an append is under way are appended together', async () => {
    const { store, run } = setup();
    const { opened, open } = gate();
    store.onAppend = () => opened;
    const first = run({ type: 'add', units: 1 });
    await sleep(5);
    const rest = Array.from({ length: 40 }, () => run({ type: 'add', units: 1 }));
    await sleep(5);
    open();
    const results = await Promise.all([first, ...rest]);
    expect(store.counts.appends).toBe(2);
    expect(results.map(({ revision }) => revision)).toEqual(Array.from({ length: 41 }, (_, i) => i));
    expect(results.map(({ state }) => state.total)).toEqual(Array.from({ length: 41 }, (_, i) => i + 1));
  });

  test('a rejected, a crashing and an invalid command leave the others of their batch alone', async () => {
    const { store, run } = setup();
    const results = await Promise.allSettled([
      run({ type: 'add', units: 3 }),
      run({ type: 'take', units: 5 }),
      run({ type: 'crash' }),
      run({ type: 'corrupt' }),
      run({ type: 'take', units: 2 }),
    ]);
    expect(store.counts).toEqual({ appends: 1, reads: 0 });
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect(results[1]).toMatchObject({
      value: { status: 'rejected', rejection: { code: 'not_enough' }, revision: 0 },
    });
    expect(results[3]).toMatchObject({ reason: { code: 'invalid_event' } });
    expect(foldOf(store.log)).toEqual({ total: 1, seen: 2 });
  });

  test('a batch stays below the size of an append, and a command that alone is larger is rejected', async () => {
    const { store, run } = setup();
    const note = 'x'.repeat(300_000);
    const sizes: number[] = [];
    store.onAppend = async (_, events) => {
      sizes.push(JSON.stringify(events).length);
    };
    const adds = Array.from({ length: 10 }, () => run({ type: 'add', units: 1, note }));
    const tooLarge = run({ type: 'add', units: 1, note, times: 4 });
    expect(await tooLarge).toMatchObject({ status: 'rejected', rejection: { code: 'append_too_large' } });
    await Promise.all(adds);
    expect(sizes.length).toBe(4);
    expect(Math.max(...sizes)).toBeLessThan(1_048_576);
    expect(foldOf(store.log).total).toBe(10);
  });

  test('a full stream and a full process refuse with a retriable error and take nothing', async () => {
    const { store, bus, run } = setup({ streamCommands: 3, openCommands: 5 });
    const { opened, open } = gate();
    const reached = gate();
    store.onAppend = () => {
      reached.open();
      return opened;
    };
    const first = run({ type: 'add', units: 1 });
    await reached.opened;
    const waiting = [1, 2, 3].map(() => run({ type: 'add', units: 1 }));
    await expect(run({ type: 'add', units: 1 })).rejects.toMatchObject({
      code: 'command_queue_full',
      retriable: true,
    });
    const other = bus.execute(counter, 'y', { type: 'add', units: 1 }, contextOf());
    await expect(bus.execute(counter, 'z', { type: 'add', units: 1 }, contextOf())).rejects.toMatchObject({
      code: 'command_queue_full',
    });
    open();
    await Promise.all([first, ...waiting, other]);
    expect(store.log.length).toBe(5);
    expect(await run({ type: 'add', units: 1 })).toMatchObject({ status: 'accepted' });
  });

  test('close finishes what is queued, then refuses', async () => {
    const { store, bus, run } = setup();
    const open = [run({ type: 'add', units: 1 }), run({ type: 'add', units: 2 })];
    await bus.close();
    expect(store.log.length).toBe(2);
    await Promise.all(open);
    await expect(run({ type: 'add', units: 1 })).rejects.toMatchObject({ code: 'command_bus_closed' });
    await expect(bus.load(counter, 'x')).rejects.toMatchObject({ code: 'command_bus_closed' });
  });
});

describe('the cached state', () => {
  test('is decided on without a read, also for a stream that does not exist yet', async () => {
    const { store, run } = setup();
    for (let i = 0; i < 5; i += 1) await run({ type: 'add', units: 1 });
    expect(store.counts).toEqual({ appends: 5, reads: 0 });
  });

  test('is corrected by reading only what is past it, when another process wrote', async () => {
    const { store, run } = setup();
    await run({ type: 'add', units: 1 });
    await anotherRunner(store).execute(counter, 'x', { type: 'add', units: 10 }, contextOf());
    const froms: number[] = [];
    const { readStream } = store;
    store.readStream = (stream, from) => {
      froms.push(from);
      return readStream(stream, from);
    };
    expect(await run({ type: 'take', units: 11 })).toMatchObject({
      status: 'accepted',
      state: { total: 0 },
      revision: 2,
    });
    expect(await run({ type: 'add', units: 1 })).toMatchObject({ status: 'accepted', revision: 3 });
    expect(froms).toEqual([1]);
  });

  test('does not reject or answer with nothing before it was compared with the log', async () => {
    const { store, run } = setup();
    const other = anotherRunner(store);
    await run({ type: 'add', units: 1 });
    await other.execute(counter, 'x', { type: 'add', units: 1 }, contextOf());
    expect(await run({ type: 'take', units: 2 })).toMatchObject({ status: 'accepted', state: { total: 0 } });
    await run({ type: 'add', units: 5 });
    await other.execute(counter, 'x', { type: 'take', units: 5 }, contextOf());
    expect(await run({ type: 'reach', total: 5 })).toMatchObject({
      status: 'accepted',
      events: [{ type: 'Added' }],
    });
  });

  test('is compared once per batch of rejections, and not at all when an append of the batch proves it', async () => {
    const { store, run } = setup();
    await run({ type: 'add', units: 1 });
    const refused = await Promise.all(Array.from({ length: 50 }, () => run({ type: 'take', units: 2 })));
    expect(refused.every(({ status }) => status === 'rejected')).toBe(true);
    expect(store.counts.reads).toBe(1);
    await Promise.all([run({ type: 'take', units: 2 }), run({ type: 'take', units: 1 })]);
    expect(store.counts.reads).toBe(1);
  });

  test('starts anew when the log turns out to be shorter than it', async () => {
    const { store, run } = setup();
    await run({ type: 'add', units: 1 });
    await run({ type: 'add', units: 1 });
    const { append, readStream } = createMemoryEventStore();
    Object.assign(store, { append, readStream });
    expect(await run({ type: 'add', units: 1 })).toMatchObject({
      status: 'accepted',
      revision: 0,
      state: { total: 1 },
    });
  });

  test('is dropped when many other streams are used, and read again', async () => {
    const { store, bus } = setup({ cachedStreams: 2 });
    for (const id of ['a', 'b', 'c', 'd'])
      await bus.execute(counter, id, { type: 'add', units: 1 }, contextOf());
    expect(await bus.execute(counter, 'd', { type: 'add', units: 1 }, contextOf())).toMatchObject({
      state: { total: 2 },
    });
    expect(store.counts.reads).toBe(0);
    expect(await bus.execute(counter, 'a', { type: 'add', units: 1 }, contextOf())).toMatchObject({
      state: { total: 2 },
    });
    expect(store.counts.reads).toBe(1);
  });

  test('takes no more memory than it may, whatever the number of streams', async () => {
    // Ten states of some 120 kB each where 500 kB may be kept.
    const { store, bus } = setup({ cachedBytes: 500_000 });
    const ids = Array.from({ length: 10 }, (_, i) => `s${i}`);
    const add = { type: 'add', units: 1, note: 'x'.repeat(60_000) } as const;
    for (const id of ids) await bus.execute(counter, id, add, contextOf());
    for (const id of ids) {
      const { state } = await bus.execute(counter, id, { type: 'add', units: 1 }, contextOf());
      expect(state).toEqual({ total: 2, seen: 2 });
    }
    expect(store.counts.reads).toBeGreaterThanOrEqual(6);
  });

  test('is not given up for streams that somebody asks for and that do not exist', async () => {
    const { store, bus, run } = setup({ cachedStreams: 2 });
    await run({ type: 'add', units: 1 });
    for (let i = 0; i < 10; i += 1) await bus.load(counter, `unknown-${i}`);
    expect(store.counts.reads).toBe(10);
    await run({ type: 'add', units: 1 });
    expect(store.counts.reads).toBe(10);
  });

  test('exists once: a stream that is still being loaded is not dropped and made anew', async () => {
    const conflicts: string[] = [];
    const { store, bus, run } = setup({ cachedStreams: 1 }, { conflict: (one) => conflicts.push(one) });
    await run({ type: 'add', units: 1 });
    const [reading, appending] = [gate(), gate()];
    store.onRead = () => reading.opened;
    const load = bus.load(counter, 'x');
    await run({ type: 'add', units: 1 });
    await bus.execute(counter, 'other', { type: 'add', units: 1 }, contextOf());
    // Its answer is there a moment before it rests and takes the only place.
    await sleep(5);
    const reached = gate();
    store.onAppend = () => {
      reached.open();
      return appending.opened;
    };
    const second = run({ type: 'add', units: 1 });
    await reached.opened;
    reading.open();
    await load;
    const third = run({ type: 'add', units: 1 });
    await sleep(5);
    appending.open();
    expect([(await second).revision, (await third).revision, conflicts]).toEqual([2, 3, []]);
  });

  test('belongs to one decider', async () => {
    const { bus, run } = setup();
    await run({ type: 'add', units: 1 });
    await expect(bus.load({ ...counter }, 'x')).rejects.toThrow('two deciders write to counter-x');
  });

  test('loads share a read, and a load that may be a little old reads nothing', async () => {
    const { store, bus, run } = setup();
    await run({ type: 'add', units: 4 });
    const loaded = await Promise.all(Array.from({ length: 20 }, () => bus.load(counter, 'x')));
    expect(loaded.every(({ state }) => state.total === 4)).toBe(true);
    expect(store.counts.reads).toBe(2);
    expect(await bus.load(counter, 'x', { maxAgeMs: 60_000 })).toMatchObject({
      state: { total: 4 },
      revision: 0,
    });
    expect(store.counts.reads).toBe(2);
    expect(await bus.load(counter, 'nowhere')).toMatchObject({ state: { total: 0 }, revision: -1 });
  });

  test('an event nobody can read fails the command and names the stream', async () => {
    const { store, run } = setup();
    await store.append('counter-x', [{ id: '1', type: 'Stranger', data: {}, metadata: {} }], 'any');
    await expect(run({ type: 'add', units: 1 })).rejects.toMatchObject({
      code: 'undecodable_event',
      stream: 'counter-x',
    });
  });

  test('a store that leaves an event out, or gives one of another stream, is not believed', async () => {
    for (const wrong of [
      ([first, , third]: readonly StoredEvent[]) => [first, third],
      ([first, second]: readonly StoredEvent[]) => [first, { ...second, stream: 'counter-y' }],
    ]) {
      const { store, run } = setup();
      for (const units of [1, 2, 3]) {
        const encoded = counterCodec.encode({ type: 'Added', data: { units } }, META);
        await store.append('counter-x', [encoded], 'any');
      }
      const readStream = store.readStream.bind(store);
      store.readStream = async function* (stream, from) {
        for await (const batch of readStream(stream, from)) yield wrong(batch) as StoredEvent[];
      };
      await expect(run({ type: 'add', units: 1 })).rejects.toMatchObject({ code: 'broken_stream' });
      expect(store.log.length).toBe(3);
    }
  });
});

describe('conflicts', () => {
  test('gives up with a retriable error when the stream changes under every append', async () => {
    const conflicts: string[] = [];
    const { store, run } = setup(
      { conflicts: 3, conflictPauseMs: 1 },
      { conflict: (c) => conflicts.push(c) },
    );
    await run({ type: 'add', units: 1 });
    let busy = false;
    store.onAppend = async (stream) => {
      if (busy) return;
      busy = true;
      const encoded = counterCodec.encode({ type: 'Added', data: { units: 1 } }, META);
      await store.append(stream, [encoded], 'any');
      busy = false;
    };
    await expect(run({ type: 'take', units: 1 })).rejects.toMatchObject({
      code: 'stream_contended',
      retriable: true,
    });
    expect(conflicts.length).toBe(4);
  });

  test('a lost answer fails the batch, and the next one starts from what the log says', async () => {
    const { store, run } = setup();
    await run({ type: 'add', units: 1 });
    store.loseNextAnswer = true;
    await expect(run({ type: 'add', units: 10 })).rejects.toBeInstanceOf(EventStoreUnavailable);
    expect(await run({ type: 'take', units: 11 })).toMatchObject({ status: 'accepted', state: { total: 0 } });
  });
});

const META = {
  commandId: 'elsewhere',
  $correlationId: 'elsewhere',
  $causationId: 'elsewhere',
  actor: 'tester',
  effectiveAt: '2026-01-01T00:00:00Z',
};

describe('repeated command ids', () => {
  const add: CounterCommand = { type: 'add', units: 3, times: 2 };

  test('answer as before, from any process, with the events and the position of then', async () => {
    const { store, run } = setup();
    const first = await run(add, keyed(add, 'k1'));
    await run({ type: 'take', units: 1 });
    const expected = {
      status: 'accepted',
      replayed: true,
      events: first.status === 'accepted' ? first.events : [],
      revision: 1,
      position: first.position,
    };
    expect(await run(add, keyed(add, 'k1'))).toMatchObject(expected);
    const other = anotherRunner(store);
    expect(await other.execute(counter, 'x', add, keyed(add, 'k1'))).toMatchObject(expected);
    expect(store.log.length).toBe(3);
  });

  test('are one command when they come together', async () => {
    const { store, run } = setup();
    const [one, two] = await Promise.all([run(add, keyed(add, 'k1')), run(add, keyed(add, 'k1'))]);
    expect(one).toMatchObject({ status: 'accepted', replayed: false, revision: 1 });
    expect(two).toMatchObject({ status: 'accepted', replayed: true, revision: 1, position: one.position });
    expect(store.log.length).toBe(2);
  });

  test('are one command when the second comes while the first is being written', async () => {
    const { store, run } = setup();
    const { opened, open } = gate();
    const reached = gate();
    store.onAppend = () => {
      reached.open();
      return opened;
    };
    const one = run(add, keyed(add, 'k1'));
    await reached.opened;
    const two = run(add, keyed(add, 'k1'));
    const three = run({ type: 'take', units: 1 });
    // Time to decide both ahead.
    await nextTurn();
    await nextTurn();
    open();
    const first = await one;
    expect(await two).toMatchObject({ replayed: true, revision: 1, position: first.position });
    expect(await three).toMatchObject({ status: 'accepted', revision: 2, state: { total: 5 } });
    expect(store.log.length).toBe(3);
  });

  test('with another request are refused', async () => {
    const { run } = setup();
    await run(add, keyed(add, 'k1'));
    const other: CounterCommand = { type: 'add', units: 4 };
    expect(await run(other, keyed(other, 'k1'))).toMatchObject({
      status: 'rejected',
      rejection: { code: 'idempotency_key_reused' },
    });
  });

  test('that were rejected are decided again', async () => {
    const { run } = setup();
    const take: CounterCommand = { type: 'take', units: 1 };
    expect(await run(take, keyed(take, 'k1'))).toMatchObject({ status: 'rejected' });
    await run({ type: 'add', units: 1 });
    expect(await run(take, keyed(take, 'k1'))).toMatchObject({ status: 'accepted', replayed: false });
  });

  test('are remembered for the last thousand commands, the same after a reload', async () => {
    const { store, run } = setup();
    const one: CounterCommand = { type: 'add', units: 1 };
    const keys = Array.from({ length: COMMAND_WINDOW + 1 }, (_, i) => `k${i}`);
    for (let at = 0; at < keys.length; at += 200) {
      await Promise.all(keys.slice(at, at + 200).map((key) => run(one, keyed(one, key))));
    }
    const other = anotherRunner(store);
    for (const bus of [
      (key: string) => run(one, keyed(one, key)),
      (key: string) => other.execute(counter, 'x', one, keyed(one, key)),
    ]) {
      expect(await bus('k1')).toMatchObject({ replayed: true, revision: 1 });
    }
    expect(await run(one, keyed(one, 'k0'))).toMatchObject({ replayed: false });
  });
});

test('metrics count every command, append and what is open', async () => {
  const seen = { command: [] as string[], append: 0, events: 0, open: [] as number[] };
  const { run } = setup(
    {},
    {
      command: (category, outcome) => seen.command.push(`${category}:${outcome}`),
      append: (_category, commands, events) => {
        seen.append += commands;
        seen.events += events;
      },
      open: (count) => seen.open.push(count),
    },
  );
  await Promise.allSettled([
    run({ type: 'add', units: 1, times: 3 }),
    run({ type: 'take', units: 9 }),
    run({ type: 'crash' }),
  ]);
  expect(seen.command).toEqual(['counter:accepted', 'counter:rejected', 'counter:failed']);
  expect(seen).toMatchObject({ append: 3, events: 3 });
  expect(Math.max(...seen.open)).toBe(3);
  expect(seen.open.at(-1)).toBe(0);
});

const commands: fc.Arbitrary<CounterCommand> = fc.oneof(
  fc.record({
    type: fc.constant('add' as const),
    units: fc.integer({ min: 1, max: 9 }),
    times: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ type: fc.constant('take' as const), units: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ type: fc.constant('reach' as const), total: fc.integer({ min: 0, max: 30 }) }),
);

/** One command: what, by which runner, after how many turns, under which key, whether its answer gets lost, beside a load or not. */
const steps = fc.array(
  fc.record({
    command: commands,
    runner: fc.constantFrom(0, 1),
    delay: fc.integer({ min: 0, max: 3 }),
    key: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    lose: fc.boolean(),
    load: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);

describe('properties', () => {
  test.each([
    ['', undefined],
    [' with snapshots taken and found all the time', EAGER],
  ])(
    'two processes on one stream end as one sequence%s: nothing acknowledged is missing, nothing happens twice',
    async (_, limits) => {
      await fc.assert(
        fc.asyncProperty(steps, fc.scheduler(), async (plan, scheduler) => {
          const store = createMemoryEventStore();
          const snapshots = createMemorySnapshots(limits);
          store.onAppend = () => scheduler.schedule(Promise.resolve());
          store.onRead = () => scheduler.schedule(Promise.resolve());
          const runners =
            limits === undefined
              ? [anotherRunner(store), anotherRunner(store)]
              : [0, 1].map(() => anotherRunner(singly(store), snapshots));
          const loads: Promise<Loaded<CounterState>>[] = [];
          const done = Promise.all(
            plan.map(async ({ command, runner, delay, key, lose, load }) => {
              for (let turn = 0; turn < delay; turn += 1) await scheduler.schedule(Promise.resolve());
              if (lose) store.loseNextAnswer = true;
              const keyText = key === undefined ? undefined : `${key}:${hashOf(command)}`;
              const context = keyText === undefined ? contextOf() : keyed(command, keyText);
              const bus = runners[runner];
              if (bus === undefined) throw new Error('no such runner');
              if (load) loads.push(bus.load(counter, 'x'));
              const result = await bus.execute(counter, 'x', command, context).catch((error: unknown) => {
                if (error instanceof EventStoreUnavailable) return undefined;
                throw error;
              });
              return { command, context, result };
            }),
          );
          await drive(done, scheduler);
          const answers = await done;
          const loading = Promise.all(loads);
          await drive(loading, scheduler);
          for (const { state, revision } of await loading) {
            expect(state).toEqual(foldOf(store.log.slice(0, revision + 1)));
          }

          const recorded = store.log.map((stored) => counterCodec.decode(stored));
          expect(recorded.map(({ revision }) => revision)).toEqual(recorded.map((_, index) => index));
          // The log is a legal history: no total is below zero after any event.
          recorded.reduce((state, { event }) => {
            const next = counter.evolve(state, event as CounterEvent);
            expect(next.total).toBeGreaterThanOrEqual(0);
            return next;
          }, counter.initialState);
          for (const { command, context, result } of answers) {
            const written = recorded.filter(({ metadata }) => metadata.commandId === context.commandId);
            // All of a command or nothing, once.
            const expectedCount = command.type === 'add' ? (command.times ?? 1) : 1;
            expect([0, expectedCount]).toContain(written.length);
            if (result?.status === 'accepted')
              expect(result.events.length === 0 || written.length > 0).toBe(true);
            if (result?.status === 'accepted' && result.events.length > 0) {
              expect(written.map(({ event }) => event)).toEqual(result.events);
              expect(written.at(-1)?.revision).toBe(result.revision);
            }
            // Every answer's state is the fold of the log up to its revision.
            if (result !== undefined && !(result.status === 'accepted' && result.replayed)) {
              expect(result.state).toEqual(foldOf(store.log.slice(0, result.revision + 1)));
            }
          }
          for (const bus of runners) {
            expect((await drained(bus, scheduler)).state).toEqual(foldOf(store.log));
          }
        }),
        { numRuns: 60 },
      );
    },
    30_000,
  );
});

/** Lets the scheduler pick what happens next until the work is done. */
const drive = async (work: Promise<unknown>, scheduler: fc.Scheduler): Promise<void> => {
  let finished = false;
  const settled = work.finally(() => {
    finished = true;
  });
  while (!finished) {
    // First everything that can happen by itself, so that there is a choice.
    await nextTurn();
    await nextTurn();
    if (scheduler.count() > 0) await scheduler.waitOne();
  }
  await settled;
};

const drained = async (bus: CommandBus, scheduler: fc.Scheduler) => {
  const loading = bus.load(counter, 'x');
  await drive(loading, scheduler);
  return loading;
};

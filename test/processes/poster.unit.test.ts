import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { settlement } from '../../src/domain/settlement.js';
import { PosterStopped } from '../../src/processes/poster.js';
import { EventStoreUnavailable } from '../../src/runtime/event-store.js';
import { createMemoryEventStore, type MemoryEventStore } from '../support/memory-event-store.js';
import {
  boot,
  checkpointRow,
  codec,
  configure,
  contextAt,
  type Fact,
  ledgerOf,
  postedIn,
  record,
} from './poster-house.js';

const JANUARY = '2026-01-31T10:00:00Z';
/** January in London, February in Berlin. */
const BORDER = '2026-01-31T23:30:00Z';

const fact = (id: number, more: Partial<Fact> = {}): Fact => ({
  channel: 'web',
  order: `${id % 5}`,
  id: `f${id}`,
  at: JANUARY,
  amount: `${id + 1}.00`,
  type: id % 3 === 2 ? 'return' : 'ship',
  ...more,
});

const facts = fc
  .array(
    fc.record({
      channel: fc.constantFrom('web', 'shop'),
      at: fc.constantFrom(JANUARY, BORDER, '2026-02-10T00:00:00Z'),
      type: fc.constantFrom('ship' as const, 'return' as const),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((all) => all.map((one, index) => fact(index, one)));

const filled = async (all: readonly Fact[]): Promise<MemoryEventStore> => {
  const store = createMemoryEventStore();
  const house = boot(store);
  await configure(house, 'web', 'Europe/London');
  await configure(house, 'shop', 'Europe/Berlin');
  for (const one of all) await record(store, one);
  return store;
};

describe('the poster', () => {
  test('posts one balanced entry per cause, in the order of the log, to the month of the channel', async () => {
    const store = await filled([
      fact(0),
      fact(1, { at: BORDER }),
      fact(2),
      fact(3, { channel: 'shop', at: BORDER }),
    ]);
    await boot(store).poster.drain();
    expect(ledgerOf(store.log)).toEqual({
      'settlement-web~2026-01': [
        'order-web~0@0 2026-01-31 receivable,1.00 sales,-1.00',
        'order-web~1@0 2026-01-31 receivable,2.00 sales,-2.00',
        'order-web~2@0 2026-01-31 receivable,-3.10 returns,3.00 allowances,0.10',
      ],
      'settlement-shop~2026-02': ['order-shop~3@0 2026-02-01 receivable,4.00 sales,-4.00'],
    });
  });

  test('says of each entry what it follows from, and when that happened', async () => {
    const store = await filled([fact(0), fact(1, { at: BORDER })]);
    await boot(store).poster.drain();
    const [, second] = postedIn(store.log);
    const cause = store.log.find(({ stream }) => stream === 'order-web~1');
    expect(second?.stored.metadata).toMatchObject({
      $correlationId: 'corr-f1',
      $causationId: cause?.id,
      effectiveAt: BORDER,
      actor: 'poster',
      channel: 'web',
    });
    expect(second?.data.cause).toMatchObject({ id: cause?.id, commit: cause?.position.commit.toString() });
  });

  test('batches entries of one month into few appends', async () => {
    const store = await filled(Array.from({ length: 60 }, (_, index) => fact(index)));
    const before = store.counts.appends;
    await boot(store).poster.drain();
    expect(postedIn(store.log)).toHaveLength(60);
    // The double reads seven events at a time.
    expect(store.counts.appends - before).toBeLessThanOrEqual(10);
  });

  test('drained again, or started without its checkpoint, it posts nothing new', async () => {
    const store = await filled([fact(0), fact(1), fact(2)]);
    const { poster } = boot(store);
    await poster.drain();
    await poster.drain();
    await boot(store, checkpointRow()).poster.drain();
    expect(postedIn(store.log)).toHaveLength(3);
    await record(store, fact(3));
    await poster.drain();
    expect(postedIn(store.log)).toHaveLength(4);
  });

  test('a checkpoint beyond the end of the log is of another log and counts for nothing', async () => {
    const store = await filled([fact(0)]);
    const db = checkpointRow();
    db.row = { commit: '999999', prepare: '999999' };
    await boot(store, db).poster.drain();
    expect(postedIn(store.log)).toHaveLength(1);
  });

  test('what cannot be saved or loaded as a checkpoint stops nobody', async () => {
    const store = await filled([fact(0)]);
    const trouble: string[] = [];
    const down = { query: () => Promise.reject(new Error('no database')) };
    await boot(store, down, { onError: (_, what) => trouble.push(what) }).poster.drain();
    expect(postedIn(store.log)).toHaveLength(1);
    expect(new Set(trouble)).toEqual(new Set(['checkpoint']));
  });

  test('a new time zone counts from its place in the log on, also when everything is posted again', async () => {
    const store = await filled([fact(0, { at: BORDER })]);
    await configure(boot(store), 'web', 'Europe/Berlin');
    await record(store, fact(1, { at: BORDER }));
    const { poster } = boot(store);
    await poster.drain();
    await configure(boot(store), 'web', 'America/New_York');
    await record(store, fact(2, { at: '2026-02-01T02:00:00Z' }));
    await poster.drain();
    const ledger = ledgerOf(store.log);
    expect(ledger['settlement-web~2026-01']).toHaveLength(2);
    expect(ledger['settlement-web~2026-02']).toEqual([expect.stringContaining('order-web~1@0 2026-02-01')]);
    await boot(store).poster.drain();
    expect(ledgerOf(store.log)).toEqual(ledger);
  });

  test('an adjustment in between disturbs neither the causes before nor after it', async () => {
    const store = await filled([fact(0)]);
    const house = boot(store);
    await house.poster.drain();
    const entry = {
      party: 'web',
      month: '2026-01',
      kind: 'write_off' as const,
      effectiveAt: JANUARY,
      effectiveDay: '2026-01-31',
      currency: 'GBP',
      reference: {},
      legs: [],
    };
    const adjust = { type: 'adjust', adjustmentId: 'a', entry } as const;
    await house.bus.execute(settlement, 'web~2026-01', adjust, contextAt(JANUARY));
    await record(store, fact(1));
    await house.poster.drain();
    await boot(store).poster.drain();
    expect(postedIn(store.log).map(({ data }) => data.entryId)).toEqual([
      'order-web~0@0',
      'adjustment-web~2026-01~a',
      'order-web~1@0',
    ]);
  });
});

describe('stopped anywhere', () => {
  /** The process is gone with the k-th append: this one and all after it fail, and it never comes back. */
  const cutAt = (store: MemoryEventStore, appends: number, written: boolean): void => {
    let left = appends;
    store.onAppend = async () => {
      left -= 1;
      if (left > 0) return;
      if (left === 0 && written) store.loseNextAnswer = true;
      else throw new Error('the process is gone');
    };
  };

  test('after any append, with or without its answer, the next one ends with the same ledger', async () => {
    await fc.assert(
      fc.asyncProperty(
        facts,
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        fc.constantFrom(1, 2, 256),
        fc.boolean(),
        async (all, cut, written, batchCommands, keepsCheckpoint) => {
          const store = await filled(all);
          const whole = store.fork();
          await boot(whole).poster.drain();
          const db = checkpointRow();
          cutAt(store, cut, written);
          const died = boot(store, db, { limits: { batchCommands } });
          await died.poster.drain(AbortSignal.timeout(30)).catch(() => undefined);
          store.onAppend = async () => undefined;
          store.loseNextAnswer = false;
          await boot(store, keepsCheckpoint ? db : checkpointRow()).poster.drain();
          expect(ledgerOf(store.log)).toEqual(ledgerOf(whole.log));
          expect(postedIn(store.log)).toHaveLength(all.length);
        },
      ),
      { numRuns: 25 },
    );
  }, 30_000);

  test('an append that fails for a while, with more commands of its stream behind it, leaves no gap', async () => {
    const all = Array.from({ length: 30 }, (_, index) => fact(index));
    const store = await filled(all);
    let failing = 2;
    store.onAppend = async () => {
      failing -= 1;
      if (failing >= 0) throw new EventStoreUnavailable('try again');
    };
    const retried: unknown[] = [];
    // One command per append, so that those behind the failed one go on by themselves.
    const house = boot(store, checkpointRow(), {
      limits: { batchCommands: 1 },
      metrics: { retried: (error) => retried.push(error) },
    });
    await house.poster.drain();
    expect(retried.length).toBeGreaterThan(0);
    expect(postedIn(store.log).map(({ data }) => data.cause?.commit)).toEqual(
      store.log.filter(({ type }) => /^Order/.test(type)).map(({ position }) => position.commit.toString()),
    );
  });

  test('two posters at a time post every cause once', async () => {
    const all = Array.from({ length: 40 }, (_, index) => fact(index));
    const store = await filled(all);
    store.onAppend = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
    await Promise.all([boot(store), boot(store), boot(store)].map(({ poster }) => poster.drain()));
    const whole = (await filled(all)).fork();
    await boot(whole).poster.drain();
    expect(ledgerOf(store.log)).toEqual(ledgerOf(whole.log));
  });
});

describe('a cause that cannot be posted', () => {
  const poison = async (store: MemoryEventStore): Promise<void> => {
    const { position: _, ...rest } = { position: 0, ...(await goodShipment()) };
    await store.append('order-web~bad', [{ ...rest, data: { nonsense: true } }], 'any');
  };
  const goodShipment = async () => {
    const store = createMemoryEventStore();
    await record(store, fact(0));
    const [event] = store.log;
    if (event === undefined) throw new Error('nothing was recorded');
    const { id, type, data, metadata } = event;
    return { id, type, data, metadata };
  };

  test('stops the poster there, loudly, with everything before it posted and nothing behind it', async () => {
    const store = await filled([fact(0), fact(1)]);
    await poison(store);
    await record(store, fact(3));
    const stopped: PosterStopped[] = [];
    const errors: unknown[] = [];
    const options = {
      metrics: { stopped: (error: PosterStopped) => stopped.push(error) },
      onError: (error: unknown) => errors.push(error),
    };
    const signal = new AbortController().signal;
    const { poster } = boot(store, checkpointRow(), options);
    await expect(poster.run(signal)).rejects.toMatchObject({
      code: 'poster_stopped',
      event: { stream: 'order-web~bad', revision: 0, type: 'OrderShipped' },
    });
    expect(stopped).toHaveLength(1);
    expect(errors).toEqual(stopped);
    expect(postedIn(store.log).map(({ data }) => data.entryId)).toEqual(['order-web~0@0', 'order-web~1@0']);
    await expect(boot(store).poster.drain()).rejects.toBeInstanceOf(PosterStopped);
    expect(postedIn(store.log)).toHaveLength(2);
  });

  test('a channel that was never configured is one; once it is, everything goes on', async () => {
    const store = await filled([fact(0), fact(1, { channel: 'market' }), fact(3)]);
    const house = boot(store);
    await expect(house.poster.drain()).rejects.toThrow('channel market was never configured');
    await configure(boot(store), 'market', 'Europe/London');
    await house.poster.drain();
    expect(postedIn(store.log)).toHaveLength(3);
  });

  test('an order event of a type that moves no money is not even read', async () => {
    const store = await filled([]);
    const { id, metadata } = await goodShipment();
    await store.append('order-web~9', [{ id, type: 'OrderFromTheFuture', data: 1, metadata }], 'any');
    await boot(store).poster.drain();
    const last = store.log.slice(-1);
    expect(() => last.map(codec.decode)).toThrow('not defined');
    expect(postedIn(store.log)).toEqual([]);
  });
});

describe('following the log', () => {
  const until = async (condition: () => boolean): Promise<void> => {
    for (let round = 0; !condition(); round += 1) {
      if (round > 2_000) throw new Error('it did not happen');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };

  test('posts what comes, also while it is drained, and ends when it is told to', async () => {
    const store = await filled([fact(0)]);
    const { poster } = boot(store);
    const stop = new AbortController();
    const running = poster.run(stop.signal);
    for (let id = 1; id <= 20; id += 1) {
      await record(store, fact(id));
      if (id % 4 === 0) await poster.drain();
    }
    await until(() => postedIn(store.log).length === 21);
    stop.abort();
    await running;
    const places = postedIn(store.log).map(({ data }) => Number(data.cause?.commit));
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test('waits an outage out', async () => {
    const store = await filled([fact(0)]);
    let down = true;
    store.onAppend = async () => {
      if (down) throw new EventStoreUnavailable('down');
    };
    let retries = 0;
    const { poster } = boot(store, checkpointRow(), {
      metrics: {
        retried: () => {
          retries += 1;
          if (retries === 2) down = false;
        },
      },
    });
    const stop = new AbortController();
    const running = poster.run(stop.signal);
    await until(() => postedIn(store.log).length === 1);
    stop.abort();
    await running;
    expect(retries).toBe(2);
  });
});

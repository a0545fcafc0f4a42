import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningEventStore, startEventStore } from '../../src/adapters/embedded-event-store/start.js';
import { createEventStore } from '../../src/adapters/event-store/event-store.js';
import type { CommandBus, CommandResult } from '../../src/runtime/command-bus.js';
import { createCommandRunner } from '../../src/runtime/command-runner.js';
import {
  type CounterCommand,
  type CounterEvent,
  type CounterState,
  contextOf,
  counter,
  counterCodec,
  hashOf,
} from '../support/counter.js';
import { startTcpProxy } from '../support/tcp-proxy.js';

let server: RunningEventStore;
beforeAll(async () => {
  server = await startEventStore({ inMemory: true });
});
afterAll(() => server.stop());

const UNITS = 100;
const BUYERS = 400;

const isRetriable = (error: unknown): boolean =>
  error instanceof Error && 'retriable' in error && error.retriable === true;

/** What an API client does: the same command under the same id until there is an answer. */
const insist = async (
  bus: CommandBus,
  id: string,
  command: CounterCommand,
): Promise<CommandResult<CounterEvent, CounterState>> => {
  const context = contextOf({ commandId: randomUUID(), requestHash: hashOf(command) });
  for (;;) {
    try {
      return await bus.execute(counter, id, command, context);
    } catch (error) {
      if (!isRetriable(error)) throw error;
      await sleep(20);
    }
  }
};

test('buyers at two runners over a failing network get every unit once, and everybody gets an answer', async () => {
  const proxy = await startTcpProxy(server.port);
  const namespace = `t${randomUUID().replaceAll('-', '')}`;
  const limits = { appendAttemptMs: 300, appendTotalMs: 1_000, readSilentMs: 600 };
  const stores = [proxy.port, server.port].map((port) =>
    createEventStore({ connectionString: `esdb://127.0.0.1:${port}?tls=false`, namespace, limits }),
  );
  const buses = stores.map((store) =>
    createCommandRunner({ store, codec: counterCodec, limits: { streamCommands: 128, batchCommands: 16 } }),
  );
  const [flaky, steady] = buses;
  if (flaky === undefined || steady === undefined) throw new Error('two runners');
  await insist(steady, 'sku', { type: 'add', units: UNITS });

  const buying = Array.from({ length: BUYERS }, (_, buyer) =>
    insist(buyer % 2 === 0 ? flaky : steady, 'sku', { type: 'take', units: 1 }),
  );
  const trouble = (async () => {
    for (let cut = 0; cut < 4; cut += 1) {
      await sleep(60);
      if (cut % 2 === 0) proxy.swallowAnswers();
      else proxy.cut();
    }
  })();
  const results = await Promise.all(buying);
  await trouble;

  expect(results.filter(({ status }) => status === 'accepted').length).toBe(UNITS);
  expect(results.filter(({ status }) => status === 'rejected').length).toBe(BUYERS - UNITS);
  for (const bus of buses) {
    expect(await bus.load(counter, 'sku')).toMatchObject({
      state: { total: 0, seen: UNITS + 1 },
      revision: UNITS,
    });
  }
  const history: string[] = [];
  for await (const { event } of steady.history<CounterEvent>('counter', 'sku')) history.push(event.type);
  expect(history.length).toBe(UNITS + 1);
  await Promise.all(buses.map((bus) => bus.close()));
  await Promise.all(stores.map((store) => store.close()));
  await proxy.close();
}, 60_000);

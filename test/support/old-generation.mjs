// Says how many bytes one of something leaves in the old generation although nothing holds it: see old-generation.int.test.ts.
import { getHeapSpaceStatistics } from 'node:v8';

const dist = (path) => import(`../../dist/${path}`);

/** Each gives what to do once; `index` is never the same. */
const CASES = {
  order: async () => {
    const [{ order }, { createCodec }, { allEventDefinitions }] = await Promise.all([
      dist('domain/order.js'),
      dist('runtime/codec.js'),
      dist('domain/events.js'),
    ]);
    const codec = createCodec(allEventDefinitions);
    const line = (lineId, sku) => ({
      lineId,
      kind: 'goods',
      sku,
      quantity: 2,
      unitPrice: '9.99',
      tax: '1.60',
    });
    return async (index) => {
      const command = {
        type: 'place',
        channel: 'web',
        externalId: `${index}`,
        placedAt: '2026-11-28T10:00:00.000Z',
        currency: 'EUR',
        lines: [line('1', 'A'), line('2', `B${index}`)],
        coupons: [],
        confirm: 'auto',
        sources: ['main'],
        contentHash: 'hash',
      };
      const placed = order.decide(command, order.initialState).map((event) => codec.encode(event, {}));
      let state = placed.reduce(order.evolve, order.initialState);
      const allocations = ['A', `B${index}`].map((sku) => ({
        sku,
        location: 'main',
        quantity: 2,
        refused: [],
      }));
      const events = order.decide({ type: 'reserve', allocations, coupons: [] }, state);
      state = events.map((event) => codec.encode(event, {})).reduce(order.evolve, state);
      if (state.status !== 'confirmed') throw new Error(`the order is ${state.status}`);
    };
  },
  request: async () => {
    const { default: express } = await import('express');
    const { Agent, request } = await import('node:http');
    const { listen } = await dist('api/listen.js');
    const app = express();
    app.post('/orders', (asked, response) => asked.resume().once('end', () => response.json({ ok: true })));
    const { port } = await listen(app, { host: '127.0.0.1', port: 0 });
    const agent = new Agent({ keepAlive: true });
    return () =>
      new Promise((resolve, reject) => {
        request({ port, agent, method: 'POST', path: '/orders' }, (answer) => {
          if (answer.statusCode !== 200) reject(new Error(`${answer.statusCode}`));
          answer.resume().once('end', resolve);
        }).end('{}');
      });
  },
  command: async () => {
    const [{ stock, stockEvents }, { createCodec }, { createCommandRunner }] = await Promise.all([
      dist('domain/stock.js'),
      dist('runtime/codec.js'),
      dist('runtime/command-runner.js'),
    ]);
    const position = { commit: 1n, prepare: 1n };
    const store = {
      append: async (_stream, events, expected) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return { ok: true, revision: expected + events.length, position };
      },
    };
    // Few, so that what is kept for the next command is not what is counted.
    const bus = createCommandRunner({ store, codec: createCodec(stockEvents), limits: { cachedStreams: 8 } });
    return async (index) => {
      const commandId = `command-${index}`;
      const context = {
        commandId,
        correlationId: commandId,
        actor: 'test',
        effectiveAt: '2026-11-28T10:00:00Z',
      };
      const receive = { type: 'receive', receiptId: 'r', quantity: 1 };
      const { status } = await bus.execute(stock, `main~${index}`, receive, context);
      if (status !== 'accepted') throw new Error(`the receipt is ${status}`);
    };
  },
  append: async () => {
    const { startEventStore } = await dist('adapters/embedded-event-store/start.js');
    const { createEventStore } = await dist('adapters/event-store/event-store.js');
    const { connectionString } = await startEventStore({ inMemory: true });
    const store = createEventStore({ connectionString });
    const event = (index) => ({
      id: `00000000-0000-4000-8000-${`${index}`.padStart(12, '0')}`,
      type: 'Happened',
      data: { index, text: 'x'.repeat(200) },
      metadata: {},
    });
    return async (index) => {
      // Stands for the request that waits for the append.
      const asked = new Array(1_000).fill(index);
      const { ok } = await store.append(`stream-${index}`, [event(index)], -1);
      if (!ok || asked[0] !== index) throw new Error('it was not appended');
    };
  },
};

const AT_ONCE = 8;
const TIMES = 4_000;
let next = 0;
const run = async (once) => {
  const end = next + TIMES;
  const worker = async () => {
    while (next < end) await once(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
};
const oldBytes = () =>
  getHeapSpaceStatistics()
    .filter(({ space_name }) => space_name === 'old_space' || space_name === 'map_space')
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0);

const once = await CASES[process.argv[2]]();
// Compiles what is hot; then a full collection, so that what lives on is in the old generation.
await run(once);
globalThis.gc();
globalThis.gc();
const before = oldBytes();
await run(once);
globalThis.gc({ type: 'minor' });
globalThis.gc({ type: 'minor' });
process.stdout.write(`${Math.round((oldBytes() - before) / TIMES)}\n`, () => process.exit(0));

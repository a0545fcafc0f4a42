/**
 * What the embedded event store does by itself, through the real client in one process:
 *
 *     npm run build:bench
 *     node dist-bench/bench/event-store.js append [appends]     # appends and reads
 *     node dist-bench/bench/event-store.js start [events]       # start with and without an index
 *
 * Every figure is printed with the check that the work was really done.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { openLogFile } from '../src/adapters/embedded-event-store/log/log-file.js';
import { FLAG_END_OF_APPEND, writeRecord } from '../src/adapters/embedded-event-store/log/record.js';
import { type RunningEventStore, startEventStore } from '../src/adapters/embedded-event-store/start.js';

/** Makes an event of about 300 bytes of JSON. */
const event = (i: number) =>
  jsonEvent({
    type: 'OrderPlaced',
    data: { orderId: randomUUID(), number: i, filler: 'x'.repeat(180) },
    metadata: { commandId: randomUUID() },
  });

const [mode = 'append', amount] = process.argv.slice(2);
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'event-store-bench-'));
const start = () => startEventStore({ dir: directory, log: (line) => console.error(line) });
const bytesOf = (name: string): number => fs.statSync(path.join(directory, name)).size;

const cpuSeconds = (pid: number): number => {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

async function append(node: Node, count: number, inFlight: number): Promise<void> {
  const { client, store } = node;
  let next = 0;
  const latencies: number[] = [];
  const prefix = `bench${inFlight}-${randomUUID()}`;
  const before = cpuSeconds(store.pid);
  const ownBefore = process.cpuUsage();
  const started = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) {
        const i = next++;
        const sent = performance.now();
        await client.appendToStream(`${prefix}-${i}`, event(i), { expectedRevision: 'no_stream' });
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const own = process.cpuUsage(ownBefore);
  latencies.sort((a, b) => a - b);
  console.log(
    `append, ${inFlight} in flight: ${Math.round(count / seconds)}/s, p50 ${latencies[Math.floor(count * 0.5)]?.toFixed(2)} ms, ` +
      `p99 ${latencies[Math.floor(count * 0.99)]?.toFixed(2)} ms, server CPU ${(((cpuSeconds(store.pid) - before) / count) * 1e6).toFixed(0)} us, ` +
      `client CPU ${((own.user + own.system) / count).toFixed(0)} us each`,
  );
}

async function readAll({ client, store }: Node): Promise<number> {
  let events = 0;
  const before = cpuSeconds(store.pid);
  const started = performance.now();
  for await (const { event } of client.readAll()) if (event?.streamId.startsWith('bench')) events++;
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `read $all: ${Math.round(events / seconds)}/s (${events} events), ` +
      `server CPU ${(((cpuSeconds(store.pid) - before) / events) * 1e6).toFixed(1)} us each`,
  );
  return events;
}

interface Node {
  readonly store: RunningEventStore;
  readonly client: EventStoreDBClient;
}

async function appends(total: number): Promise<void> {
  const store = await start();
  const node = { store, client: EventStoreDBClient.connectionString(store.connectionString) };
  await append(node, 1_000, 64);
  await append(node, total, 1);
  await append(node, total, 64);
  await append(node, total, 256);
  const read = await readAll(node);
  const expected = 1_000 + 3 * total;
  console.log(read === expected ? 'every append is there' : `WRONG: ${read} of ${expected} events`);
  await store.stop();
  const index = bytesOf('index/data.mdb');
  console.log(
    `on disk: ${(bytesOf('events.log') / read).toFixed(0)} + ${(index / read).toFixed(0)} bytes per event`,
  );
}

/** Writes a log without a server: events in streams of ten, as if appended one by one. */
async function writeLog(events: number): Promise<void> {
  const storage = await openLogFile(path.join(directory, 'events.log'));
  const chunk = Buffer.alloc(8 * 1024 * 1024);
  let position = storage.size;
  let used = 0;
  const flush = async (): Promise<void> => {
    await storage.write([chunk.subarray(0, used)], position);
    position += used;
    used = 0;
  };
  const data = Buffer.from(JSON.stringify({ filler: 'x'.repeat(230) }));
  const metadata = Buffer.from(JSON.stringify({ commandId: randomUUID() }));
  const type = Buffer.from('OrderPlaced');
  for (let i = 0; i < events; i++) {
    if (used > chunk.length - 1024) await flush();
    const id = randomBytes(16);
    // Ten at a time take turns, so that streams lie scattered like real ones.
    const stream = Math.floor(i / 100) * 10 + (i % 10);
    const name = Buffer.from(`order-${createHash('md5').update(String(stream)).digest('hex')}`);
    const event = { id, type, isJson: true, metadata, data };
    used = writeRecord(chunk, used, name, event, Math.floor((i % 100) / 10), Date.now(), FLAG_END_OF_APPEND);
  }
  await flush();
  await storage.close();
}

async function starts(events: number): Promise<void> {
  await writeLog(events);
  for (const label of ['without an index', 'after a clean stop', 'after kill -9']) {
    const started = performance.now();
    const store = await start();
    const seconds = (performance.now() - started) / 1000;
    const client = EventStoreDBClient.connectionString(store.connectionString);
    const asked = performance.now();
    let found = 0;
    const name = createHash('md5').update('7').digest('hex');
    for await (const { event } of client.readStream(`order-${name}`)) if (event !== undefined) found++;
    const readMs = performance.now() - asked;
    const memory = /VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${store.pid}/status`, 'utf8'))?.[1];
    console.log(
      `start with ${events} events ${label}: ready in ${seconds.toFixed(2)} s, first stream read in ${readMs.toFixed(0)} ms ` +
        `(${found} events${found === 10 ? '' : ', WRONG'}), resident ${(Number(memory) / 1024).toFixed(0)} MiB`,
    );
    await client.dispose();
    if (label === 'after a clean stop') {
      store.kill('SIGKILL');
      await store.exited;
    } else await store.stop();
  }
  console.log(
    `on disk: ${(bytesOf('events.log') / events).toFixed(0)} + ${(bytesOf('index/data.mdb') / events).toFixed(0)} bytes per event`,
  );
}

try {
  if (mode === 'start') await starts(Number(amount ?? 1_000_000));
  else await appends(Number(amount ?? 20_000));
} finally {
  fs.rmSync(directory, { recursive: true, force: true });
}

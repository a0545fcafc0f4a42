/**
 * A past for the benches that need one: the log of a shop, written by the real commands and the real order process, but straight
 * into the file that the embedded event store keeps, without a server in between. At each milestone no order is under way, so a
 * log cut there is whole.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { copyFile, mkdir, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openLogFile } from '../src/adapters/embedded-event-store/log/log-file.js';
import { FLAG_END_OF_APPEND, writeRecord } from '../src/adapters/embedded-event-store/log/record.js';
import { channel } from '../src/domain/channel.js';
import { allEventDefinitions } from '../src/domain/events.js';
import { location } from '../src/domain/location.js';
import type { PlaceOrder } from '../src/domain/order.js';
import { stock } from '../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../src/domain/stream-id.js';
import { createOrderProcess } from '../src/processes/order-process.js';
import { createCodec } from '../src/runtime/codec.js';
import type { CommandContext } from '../src/runtime/command-bus.js';
import { createCommandRunner } from '../src/runtime/command-runner.js';
import type { EventStore } from '../src/runtime/event-store.js';
import { CHANNEL, LOCATION, skuOf } from './support.js';

export interface Milestone {
  /** Events so far, at least those that were asked for. */
  readonly events: number;
  readonly orders: number;
  readonly bytes: number;
}

export interface WrittenLog {
  readonly file: string;
  readonly milestones: readonly Milestone[];
}

export const SKUS = 1_000;
const IN_FLIGHT = 64;
const CHUNK_BYTES = 8 * 1024 * 1024;
const APPEND_MAX_BYTES = 1024 * 1024;
const START = Date.parse('2026-01-01T00:00:00Z');

/** The writing half of the port, over a file. Streams are read only by those who have never written them. */
class LogWriter implements EventStore {
  readonly #revisions = new Map<string, number>();
  readonly #chunk = Buffer.alloc(CHUNK_BYTES + 2 * APPEND_MAX_BYTES);
  readonly #fd: number;
  #used = 0;
  events = 0;

  constructor(
    file: string,
    public bytes: number,
  ) {
    this.#fd = openSync(file, 'a');
  }

  async append(...[stream, events, expected]: Parameters<EventStore['append']>) {
    const actual = this.#revisions.get(stream) ?? -1;
    if (expected !== 'any' && expected !== actual) return { ok: false, actual } as const;
    const name = Buffer.from(stream);
    let at = this.bytes;
    for (const [i, { id, type, data, metadata }] of events.entries()) {
      const record = {
        id: Buffer.from(id.replaceAll('-', ''), 'hex'),
        type: Buffer.from(type),
        isJson: true,
        metadata: Buffer.from(JSON.stringify(metadata)),
        data: Buffer.from(JSON.stringify(data)),
      };
      const end = i === events.length - 1 ? FLAG_END_OF_APPEND : 0;
      const used = writeRecord(this.#chunk, this.#used, name, record, actual + 1 + i, Date.now(), end);
      at = this.bytes;
      this.bytes += used - this.#used;
      this.#used = used;
    }
    this.events += events.length;
    this.#revisions.set(stream, actual + events.length);
    if (this.#used > CHUNK_BYTES) this.flush();
    const position = { commit: BigInt(at), prepare: BigInt(at) };
    return { ok: true, revision: actual + events.length, position } as const;
  }

  // biome-ignore lint/correctness/useYield: there is nothing to read
  async *readStream(stream: string) {
    if (this.#revisions.has(stream)) throw new Error(`${stream} was forgotten: the cache is too small`);
  }

  flush(): void {
    for (let from = 0; from < this.#used; ) from += writeSync(this.#fd, this.#chunk, from, this.#used - from);
    this.#used = 0;
  }

  async close(): Promise<void> {
    this.flush();
    closeSync(this.#fd);
  }

  async readLast(): Promise<undefined> {}
  async readEnd(): Promise<undefined> {}
  readAll(): never {
    throw new Error('not while it is being written');
  }
  subscribeAll(): never {
    throw new Error('not while it is being written');
  }
}

export const contextOf = (id: string, at = START): CommandContext => ({
  commandId: id,
  correlationId: id,
  actor: 'bench',
  channel: CHANNEL,
  effectiveAt: new Date(at).toISOString(),
});

/** An order of two lines of two SKUs. */
export const orderOf = (externalId: string, index: number, at = START): PlaceOrder => {
  const first = (index * 7_919) % SKUS;
  const second = (first + 1 + ((index * 104_729) % (SKUS - 1))) % SKUS;
  const line = (lineId: string, sku: number, quantity: number) =>
    ({ lineId, kind: 'goods', sku: skuOf(sku), quantity, unitPrice: '9.99', tax: '1.60' }) as const;
  return {
    type: 'place',
    channel: CHANNEL,
    externalId,
    placedAt: new Date(at).toISOString(),
    currency: 'EUR',
    customerId: `customer-${index % 5_000}`,
    destination: { country: 'DE', postalCode: '10115' },
    lines: [line('1', first, 1), line('2', second, 2)],
    coupons: [],
    confirm: 'auto',
    sources: [LOCATION],
    contentHash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  };
};

/** Writes until the last of the milestones (numbers of events, ascending) is passed. Half of the orders ship, some come back. */
export const writeLog = async (dir: string, milestones: readonly number[]): Promise<WrittenLog> => {
  await mkdir(dir, { recursive: true });
  const file = join(dir, 'events.log');
  const made = await openLogFile(file);
  await made.close();
  const writer = new LogWriter(file, made.size);
  const codec = createCodec(allEventDefinitions);
  const bus = createCommandRunner({ store: writer, codec, limits: { cachedStreams: 20_000 } });
  const orders = createOrderProcess(bus);

  await bus.execute(
    location,
    LOCATION,
    { type: 'configure', settings: { name: 'Main' } },
    contextOf('location'),
  );
  const settings = { name: 'Web', timeZone: 'Europe/Berlin', currencies: ['EUR'], sources: [LOCATION] };
  const configure = { type: 'configure', settings: { ...settings, confirm: 'auto' } } as const;
  await bus.execute(channel, CHANNEL, configure, contextOf('channel'));
  for (let i = 0; i < SKUS; i += 1) {
    const receipt = { type: 'receive', receiptId: 'all', quantity: 10_000_000 } as const;
    await bus.execute(stock, stockIdOf(LOCATION, skuOf(i)), receipt, contextOf(`receipt-${i}`));
  }

  let index = 0;
  const live = async (): Promise<void> => {
    const [i, at] = [index, START + index * 1_000];
    index += 1;
    const id = orderIdOf(CHANNEL, `past-${i}`);
    await orders.execute(id, orderOf(`past-${i}`, i, at), contextOf(`place-${i}`, at));
    if (i % 2 === 0) return;
    await orders.execute(id, { type: 'ship', shipmentId: 's' }, contextOf(`ship-${i}`, at));
    if (i % 20 !== 1) return;
    const back = {
      type: 'return',
      returnId: 'r',
      reason: 'too small',
      lines: [{ lineId: '2', quantity: 1 }],
    } as const;
    await orders.execute(id, back, contextOf(`return-${i}`, at));
  };
  const reached: Milestone[] = [];
  for (const milestone of milestones) {
    const worker = async (): Promise<void> => {
      while (writer.events < milestone) await live();
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    reached.push({ events: writer.events, orders: index, bytes: writer.bytes });
  }
  await bus.close();
  await writer.close();
  return { file, milestones: reached };
};

/** A data directory whose event store has the log up to the first milestone of at least so many events. */
export const cutLog = async (log: WrittenLog, events: number, dataDir: string): Promise<Milestone> => {
  const found = log.milestones.find((one) => one.events >= events);
  if (found === undefined) throw new Error(`the log has no ${events} events`);
  const file = join(dataDir, 'event-store', 'events.log');
  await mkdir(dirname(file), { recursive: true });
  await copyFile(log.file, file);
  await truncate(file, found.bytes);
  return found;
};

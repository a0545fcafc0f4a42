/**
 * The buyers: a process of its own that places orders over HTTP and says how it went.
 *
 *   closed: so many requests at once, the next when one is answered; latency from sending
 *   open:   so many orders per second whatever the answers do; latency from when the order was due
 *
 * Every order is sent until it is answered for good: 503 and 429 are counted and asked again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpConnections } from './http-connection.js';
import { answerMessages, CHANNEL, quantile, skuOf } from './support.js';

export interface LoadOrder {
  readonly url: string;
  readonly key: string;
  /** Begins every external id, so that two loads never send one order. */
  readonly run: string;
  /** Orders to send at most, and for how long at most. */
  readonly orders: number;
  readonly durationMs: number;
  readonly connections: number;
  /** Open loop at so many a second; closed when absent. */
  readonly ratePerSecond?: number;
  /** Two lines of two of so many SKUs; or one unit of this one. */
  readonly skus: number | string;
  /** Every so many-th order is looked for in the read model as soon as it is answered; none when absent. */
  readonly lookEvery?: number;
}

export interface LoadResult {
  readonly sent: number;
  readonly confirmed: number;
  readonly rejected: number;
  /** Answered in another way for good, by status. */
  readonly other: Readonly<Record<string, number>>;
  readonly refusedForNow: number;
  /** The most tries that one order needed. */
  readonly triesMax: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** From the answer of an order to its page in the read model. */
  readonly looks: number;
  readonly visibleP50Ms: number;
  readonly visibleP99Ms: number;
  /** Looks that found another status than the answer had said. */
  readonly lookedWrong: number;
  readonly cpuMs: number;
}

const TRIES_MAX = 200;
const RETRY_PAUSE_MAX_MS = 1_000;

interface Answer {
  readonly status: number;
  readonly body: { readonly status?: string; readonly id?: string };
  readonly position: string;
  readonly retryAfterMs: number;
}

const run = async (order: LoadOrder): Promise<LoadResult> => {
  const connections = new HttpConnections(
    order.url,
    `Authorization: Bearer ${order.key}\r\n`,
    order.connections,
  );

  const ask = async (method: string, path: string, content?: string): Promise<Answer> => {
    const { status, headers, body } = await connections.ask(method, path, content);
    return {
      status,
      body: JSON.parse(body || '{}'),
      position: headers.get('event-position') ?? '',
      retryAfterMs: Number(headers.get('retry-after') ?? 0) * 1_000,
    };
  };

  const bodyOf = (index: number): string => {
    const { skus } = order;
    const line = (sku: string, quantity: number) => ({ sku, quantity, unitPrice: '9.99', tax: '1.60' });
    // Two different SKUs, spread without a pattern that batches could profit from.
    const first = (index * 7_919) % Number(skus);
    const lines =
      typeof skus === 'string'
        ? [line(skus, 1)]
        : [line(skuOf(first), 1), line(skuOf((first + 1 + ((index * 104_729) % (skus - 1))) % skus), 2)];
    const destination = { country: 'DE', postalCode: '10115' };
    const customerId = `customer-${index % 5_000}`;
    return JSON.stringify({
      channel: CHANNEL,
      externalId: `${order.run}-${index}`,
      currency: 'EUR',
      customerId,
      destination,
      lines,
    });
  };

  const latencies: number[] = [];
  const visible: number[] = [];
  const other: Record<string, number> = {};
  let [sent, confirmed, rejected, refusedForNow, triesMax, lookedWrong] = [0, 0, 0, 0, 0, 0];

  const look = async ({ body, position }: Answer): Promise<void> => {
    const began = performance.now();
    const path = `/v1/orders/${encodeURIComponent(body.id ?? '')}?after=${position}`;
    const answer = await ask('GET', path);
    visible.push(performance.now() - began);
    if (answer.status !== 200 || answer.body.status !== body.status) lookedWrong += 1;
  };

  const place = async (index: number, dueAt: number): Promise<void> => {
    const body = bodyOf(index);
    sent += 1;
    for (let tries = 1; ; tries += 1) {
      const answer = await ask('POST', '/v1/orders', body);
      const busy = answer.status === 503 || answer.status === 429 || answer.status === 202;
      if (busy && tries < TRIES_MAX) {
        refusedForNow += 1;
        await sleep(Math.min(RETRY_PAUSE_MAX_MS, answer.retryAfterMs) * Math.random());
        continue;
      }
      latencies.push(performance.now() - dueAt);
      triesMax = Math.max(triesMax, tries);
      if (answer.body.status === 'confirmed') confirmed += 1;
      else if (answer.body.status === 'rejected') rejected += 1;
      else other[answer.status] = (other[answer.status] ?? 0) + 1;
      if (order.lookEvery !== undefined && index % order.lookEvery === 0) await look(answer);
      return;
    }
  };

  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  const endsAt = began + order.durationMs;
  let next = 0;
  if (order.ratePerSecond === undefined) {
    const worker = async (): Promise<void> => {
      while (next < order.orders && performance.now() < endsAt) await place(next++, performance.now());
    };
    await Promise.all(Array.from({ length: order.connections }, worker));
  } else {
    const gapMs = 1_000 / order.ratePerSecond;
    const open = new Set<Promise<void>>();
    while (next < order.orders && began + next * gapMs < endsAt) {
      for (; next < order.orders && began + next * gapMs <= performance.now(); next += 1) {
        const one = place(next, began + next * gapMs).finally(() => open.delete(one));
        open.add(one);
      }
      await sleep(1);
    }
    await Promise.all(open);
  }
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  connections.close();
  latencies.sort((a, b) => a - b);
  visible.sort((a, b) => a - b);
  return {
    sent,
    confirmed,
    rejected,
    other,
    refusedForNow,
    triesMax,
    seconds,
    perSecond: sent / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    maxMs: latencies.at(-1) ?? Number.NaN,
    looks: visible.length,
    visibleP50Ms: quantile(visible, 0.5),
    visibleP99Ms: quantile(visible, 0.99),
    lookedWrong,
    cpuMs: (user + system) / 1_000,
  };
};

answerMessages(run);

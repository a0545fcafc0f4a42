import { join } from 'node:path';
import pg from 'pg';
import { type RunningEventStore, startEventStore } from '../src/adapters/embedded-event-store/start.js';
import { startEmbeddedPostgres } from '../src/adapters/postgres/embedded.js';
import { auditHouse } from '../src/cli/audit.js';
import { inParallel } from '../src/cli/demo/client.js';
import { order } from '../src/domain/order.js';
import { stock } from '../src/domain/stock.js';
import { orderIdOf, stockIdOf } from '../src/domain/stream-id.js';
import { type House, openHouse } from '../src/main.js';
import { createCommandRunner } from '../src/runtime/command-runner.js';
import { readSettings } from '../src/settings.js';
import { type BenchOutcome, check, figure } from './report.js';
import {
  CHANNEL,
  cpuOfAll,
  DURABILITY,
  familyCpuMs,
  LOCATION,
  median,
  type Preset,
  skuOf,
} from './support.js';
import { contextOf, cutLog, orderOf, SKUS, type WrittenLog } from './write-log.js';

const IN_FLIGHT = 64;
const LOADS = 1_000;
const PHASES = ['place', 'project', 'load'] as const;
type Phase = (typeof PHASES)[number];

/** A house with so many events of past, whose CPU is counted: this process, its event store, PostgreSQL. */
interface Aged {
  readonly events: number;
  readonly orders: number;
  readonly house: House;
  readonly node: RunningEventStore;
  /** Microseconds of CPU per event, one for each round. */
  readonly cost: Record<Phase, number[]>;
  right: boolean;
}

const projectAll = async (house: House): Promise<void> => {
  const stop = new AbortController();
  const running = house.runProjections(stop.signal);
  await house.catchUp();
  stop.abort();
  await running;
};

/** Places orders, projects what they wrote, and loads orders of the past that no cache has. */
const oneRound = async (
  aged: Aged,
  round: string,
  { orders, loads }: { readonly orders: number; readonly loads: number },
  postgres: () => number,
): Promise<void> => {
  const { house, node, cost } = aged;
  const measure = async (phase: Phase, work: () => Promise<number>): Promise<void> => {
    const cpu = (): number => cpuOfAll([node.pid]) + postgres();
    const before = cpu();
    const events = await work();
    cost[phase].push((1_000 * (cpu() - before)) / events);
  };
  const indices = Array.from({ length: orders }, (_, i) => i);
  let written = 0;
  await measure('place', async () => {
    await inParallel(indices, IN_FLIGHT, async (i) => {
      const [name, id] = [`${round}-${i}`, orderIdOf(CHANNEL, `${round}-${i}`)];
      const { state } = await house.orders.execute(id, orderOf(name, i), contextOf(name));
      if (state.status !== 'confirmed') aged.right = false;
      // Placed, two holds, reserved, confirmed.
      written += 5;
    });
    return written;
  });
  await measure('project', async () => {
    await projectAll(house);
    return written;
  });
  await measure('load', async () => {
    const bus = createCommandRunner({ store: house.store, codec: house.codec });
    let read = 0;
    await inParallel(
      Array.from({ length: loads }, (_, i) => i),
      IN_FLIGHT,
      async (i) => {
        // Scattered, so that neighbours in the log do not share what was read for them.
        const past = (i * 7_919) % aged.orders;
        const { state, revision } = await bus.load(order, orderIdOf(CHANNEL, `past-${past}`));
        if (state.status === 'none') aged.right = false;
        read += revision + 1;
      },
    );
    await bus.close();
    return read;
  });
};

/** What an event costs in CPU with a short past and with a long one: rounds over all sizes in turn, median of each. */
export const benchGrowth = async (dir: string, log: WrittenLog, preset: Preset): Promise<BenchOutcome> => {
  const { growthEvents: sizes, growthRounds: rounds, growthOrders: orders } = preset;
  const postgres = await startEmbeddedPostgres({ dir: join(dir, 'growth-postgres') });
  const houses: Aged[] = [];
  try {
    for (const size of sizes) {
      const database = `bench_${size}`;
      const admin = new pg.Client({ connectionString: postgres.url });
      await admin.connect();
      await admin.query(`CREATE DATABASE ${database}`);
      await admin.end();
      const dataDir = join(dir, `growth-${size}`);
      const { events, orders: past } = await cutLog(log, size, dataDir);
      const node = await startEventStore({ dir: join(dataDir, 'event-store') });
      const url = new URL(postgres.url);
      url.pathname = `/${database}`;
      const settings = { EVENTSTORE_URL: node.connectionString, DATABASE_URL: url.toString() };
      const house = await openHouse(readSettings({ ...settings, HOLDFAST_LOG_LEVEL: 'error' }));
      const cost = { place: [], project: [], load: [] };
      houses.push({ events, orders: past, house, node, cost, right: true });
      await projectAll(house);
      // Else PostgreSQL would do it by itself in the middle of a round.
      await house.db.query('VACUUM ANALYZE');
      // The stocks of a shop that runs are in its cache; reading them is part of a start, not of an order.
      const skus = Array.from({ length: SKUS }, (_, i) => skuOf(i));
      await inParallel(skus, IN_FLIGHT, async (sku) => {
        await house.bus.load(stock, stockIdOf(LOCATION, sku));
      });
    }
    const postgresCpu = (): number => familyCpuMs(postgres.pid);
    // The first round is for the compilers: those of the event store need some thousand reads.
    for (let round = 0; round <= rounds; round += 1) {
      const turn = round % 2 === 0 ? houses : [...houses].reverse();
      for (const aged of turn)
        await oneRound(
          aged,
          `round-${round}`,
          { orders, loads: round === 0 ? LOADS * 4 : LOADS },
          postgresCpu,
        );
      if (round === 0) for (const { cost } of houses) for (const phase of PHASES) cost[phase].length = 0;
    }
    const sound: boolean[] = [];
    for (const { house } of houses) sound.push((await auditHouse(house, { quiet: true })).ok);
    const first = houses[0];
    const most = (phase: Phase): number =>
      Math.max(
        ...houses.map(({ cost }) => 100 * (median(cost[phase]) / median(first?.cost[phase] ?? []) - 1)),
      );
    return {
      conditions:
        `${orders} orders of 2 lines, what they wrote projected, ${LOADS} orders loaded; median of ${rounds} rounds over all sizes ` +
        `in turn; CPU of this process, its event store and PostgreSQL; ${DURABILITY}`,
      figures: houses.flatMap(({ events, cost }) =>
        PHASES.map((phase) =>
          figure(`${phase}, CPU per event at ${events} events`, median(cost[phase]), 'us'),
        ),
      ),
      reaches: PHASES.map((phase) => ({
        what: `growth: ${phase}, more CPU per event than at ${first?.events} events`,
        limit: 15,
        direction: 'at most',
        got: most(phase),
        unit: '%',
      })),
      checks: [
        check(
          'every order was confirmed, every order of the past was found',
          houses.every(({ right }) => right),
        ),
        check('audit: no row differs from the log, at any size', sound.every(Boolean)),
      ],
    };
  } finally {
    for (const { house, node } of houses) {
      await house.close();
      await node.stop();
    }
    await postgres.stop();
  }
};

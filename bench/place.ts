import { join } from 'node:path';
import { ceilingOf } from './append.js';
import type { LoadOrder, LoadResult } from './load.js';
import { type BenchOutcome, check, figure } from './report.js';
import { isDurable, isSound, openShop, ordersByStatus, withServed } from './served.js';
import { cpuMs, DURABILITY, familyOf, type Preset, skuOf, startHelper, watchMemory } from './support.js';

const CONNECTIONS = 64;
const ORDERS_MAX = 200_000;
const UNITS_PER_SKU = 10_000_000;
/** Two lines of two SKUs are two holds; then the order itself: placed, and reserved with its outcome. */
const HOLDS = 2;
const CEILING_MS = 3_000;

/**
 * Orders of two lines over HTTP until confirmed, from another process, against an API process
 * and one with the other roles; first as fast as
 * it goes, then at half that rate, where latency and the read models' lag count.
 */
export const benchPlace = async (dir: string, preset: Preset): Promise<BenchOutcome> =>
  withServed(join(dir, 'place'), 2, async (served) => {
    const { api, house, url, key, pid, backPid } = served;
    const buyers = startHelper('load.js');
    try {
      await openShop(
        api,
        Array.from({ length: preset.skus }, (_, i) => skuOf(i)),
        UNITS_PER_SKU,
      );
      const ceiling = await ceilingOf(house.services.eventStoreUrl, Math.min(CEILING_MS, preset.appendMs));
      const load = (run: string, durationMs: number, more: Partial<LoadOrder> = {}) =>
        buyers.talk<LoadResult>({
          url,
          key,
          run,
          orders: ORDERS_MAX,
          durationMs,
          connections: CONNECTIONS,
          skus: preset.skus,
          ...more,
        } satisfies LoadOrder);

      const warm = await load('warm', preset.placeWarmUpMs);
      const memory = watchMemory(pid);
      const family = [...new Set([...familyOf(pid), ...familyOf(backPid)])];
      const cpu = (): number[] => family.map(cpuMs);
      const count = async () => ({
        appends: await served.counter('holdfast_appends_total'),
      });
      const [before, cpuBefore] = [await count(), cpu()];
      const full = await load('full', preset.placeMs);
      const [after, cpuAfter] = [await count(), cpu()];
      await house.catchUp();
      const ratePerSecond = full.perSecond / 2;
      const half = await load('half', preset.placeMs, { ratePerSecond, connections: 256 });
      const looked = await load('look', preset.placeMs, { ratePerSecond, connections: 256, lookEvery: 10 });
      const peaks = memory.stop();

      const loads = [warm, full, half, looked];
      const sum = (of: (one: LoadResult) => number): number => loads.reduce((all, one) => all + of(one), 0);
      const sound = await isSound(house);
      const orders = await ordersByStatus(house);
      const perOrder = (after.appends - before.appends) / full.sent;
      const spent = (of: (index: number) => boolean): number =>
        cpuAfter.reduce((all, now, i) => all + (of(i) ? now - (cpuBefore[i] ?? 0) : 0), 0) / full.sent;
      return {
        conditions:
          `orders of 2 lines, ${preset.skus} SKUs, ${CONNECTIONS} connections, 64 in flight, ` +
          `api in one process, processes + projections in another, event store, PostgreSQL and load in others; ${DURABILITY}`,
        figures: [
          figure('orders per second', full.perSecond),
          figure('appends per second on the same node just before', ceiling.perSecond),
          figure('p50', full.p50Ms, 'ms'),
          figure('p99', full.p99Ms, 'ms'),
          figure('p50 at half load', half.p50Ms, 'ms'),
          figure('median from answer to visible', looked.visibleP50Ms, 'ms'),
          figure(
            'CPU per order: API',
            spent((i) => family[i] === pid),
            'ms',
          ),
          figure(
            'CPU per order: read models and poster',
            spent((i) => family[i] === backPid),
            'ms',
          ),
          figure(
            'CPU per order: event store and PostgreSQL',
            spent((i) => family[i] !== pid && family[i] !== backPid),
            'ms',
          ),
          figure('CPU per order: load generator', full.cpuMs / full.sent, 'ms'),
          figure(
            'refused for now (202, 429, 503)',
            sum((one) => one.refusedForNow),
          ),
          ...[...peaks].map(([what, mib]) => figure(`anonymous memory, ${what}`, mib, 'MiB')),
        ],
        reaches: [
          {
            what: 'place: orders/s of append/s',
            limit: 10,
            direction: 'at least',
            got: (100 * full.perSecond) / ceiling.perSecond,
            unit: '%',
          },
          {
            what: 'place: appends per order',
            limit: HOLDS + 2,
            direction: 'at most',
            got: perOrder,
            unit: '',
          },
          { what: 'place: p99 at half load', limit: 100, direction: 'at most', got: half.p99Ms, unit: 'ms' },
          {
            what: 'lag: p99 from append to visible at half load',
            limit: 250,
            direction: 'at most',
            got: looked.visibleP99Ms,
            unit: 'ms',
          },
        ],
        checks: [
          check(
            `${sum((one) => one.sent)} orders sent, each confirmed once`,
            sum((one) => one.confirmed) === sum((one) => one.sent) &&
              orders.get('confirmed') === sum((one) => one.sent) &&
              orders.size === 1,
          ),
          check(
            `${looked.looks} looks found what the answer had said`,
            looked.looks > 0 && looked.lookedWrong === 0,
          ),
          check('audit: no row differs from the log', sound),
          check('every append was durable before its answer', ceiling.correct && (await isDurable(house))),
        ],
      };
    } finally {
      await buyers.stop();
    }
  });

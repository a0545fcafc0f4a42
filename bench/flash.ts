import { join } from 'node:path';
import type { LoadOrder, LoadResult } from './load.js';
import { type BenchOutcome, check, figure } from './report.js';
import { isSound, openShop, ordersByStatus, withServed } from './served.js';
import { DURABILITY, LOCATION, type Preset, startHelper } from './support.js';

const CONNECTIONS = 500;
const UNITS = 100;
const DURATION_MAX_MS = 120_000;
const SKU = 'HOT';

/** Many buyers, few units, all at once. */
export const benchFlash = async (dir: string, { flashBuyers: buyers }: Preset): Promise<BenchOutcome> =>
  withServed(join(dir, 'flash'), 1, async ({ api, house, url, key }) => {
    const crowd = startHelper('load.js');
    try {
      await openShop(api, [SKU], UNITS);
      const order: LoadOrder = {
        url,
        key,
        run: 'flash',
        orders: buyers,
        durationMs: DURATION_MAX_MS,
        connections: CONNECTIONS,
        skus: SKU,
      };
      const got = await crowd.talk<LoadResult>(order);
      const sound = await isSound(house);
      const orders = await ordersByStatus(house);
      const sql = 'SELECT held::int FROM read_model.stock_levels WHERE location = $1 AND sku = $2';
      const { rows } = await house.db.query<{ held: number }>(sql, [LOCATION, SKU]);
      return {
        conditions: `${buyers} buyers over ${CONNECTIONS} connections, ${UNITS} units; ${DURABILITY}`,
        figures: [
          figure('answers per second', got.perSecond),
          figure('p50', got.p50Ms, 'ms'),
          figure('p99', got.p99Ms, 'ms'),
          figure('503, 429 and 202 on the way', got.refusedForNow),
          figure('most tries of one buyer', got.triesMax),
        ],
        reaches: [
          { what: 'flash: confirmed', limit: UNITS, direction: 'at most', got: got.confirmed, unit: '' },
        ],
        checks: [
          check(`exactly ${UNITS} confirmed`, got.confirmed === UNITS && orders.get('confirmed') === UNITS),
          check(
            `everybody answered in the end (${got.confirmed + got.rejected} of ${buyers})`,
            got.sent === buyers && got.confirmed + got.rejected === buyers,
          ),
          check(`exactly ${UNITS} units held`, Number(rows[0]?.held) === UNITS),
          check('audit: no row differs from the log', sound),
        ],
      };
    } finally {
      await crowd.stop();
    }
  });

import { setTimeout as sleep } from 'node:timers/promises';
import { createDice } from '../../src/cli/demo/random.js';
import type { Client } from './client.js';
import { order } from './load/order.js';
import { pair } from './load/pair.js';
import { setRules } from './load/shop.js';
import { adjust, issueCoupon, receive } from './load/stock.js';
import type { Send } from './load/talk.js';

export { EXPIRES_IN_SECONDS, LOCATIONS, setUpShop } from './load/shop.js';

/** What channels, warehouses and customers do in one round, see `load/order.ts`. */
const EXTRA_CUSTOMERS_MAX = 600;
const EXTRA_EVERY_MS = 100;
/** The first ones, a third at most, bring the goods that the others buy. */
const SUPPLIERS_MAX = 16;

export interface LoadOptions {
  readonly client: Client;
  readonly round: number;
  readonly seed: number;
  readonly customers: number;
  readonly concurrency: number;
  /** Whether things are done whose end only the watchdog brings, after some seconds. */
  readonly patient: boolean;
  /** Whether the faults are through; until then more customers come, slowly, up to {@link EXTRA_CUSTOMERS_MAX} more. */
  readonly enough: () => boolean;
  /** Called when a command was sent for the first time; how many it were so far. */
  readonly onSent: (commands: number) => void;
}

/** Runs the round's customers, `concurrency` at a time; resolves when each is through or has lost patience. */
export const runLoad = async (options: LoadOptions): Promise<void> => {
  const { client, round, seed, customers, concurrency, patient, enough, onSent } = options;
  let sent = 0;
  const send: Send = (kind, spec) => {
    sent += 1;
    onSent(sent);
    return client.send({ round, kind, method: 'POST', ...spec });
  };
  const suppliers = Math.min(SUPPLIERS_MAX, Math.floor(customers / 3));
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < customers + EXTRA_CUSTOMERS_MAX; index = next++) {
      if (index >= customers) {
        if (enough()) return;
        await sleep(EXTRA_EVERY_MS * concurrency);
      }
      const dice = createDice((seed * 1_000_003 + round * 7_919 + index) >>> 0);
      const id = `${round}-${index}`;
      const of = { send, dice, patient };
      if (index < suppliers || dice.chance(0.15)) await receive(send, dice, `receipt-${id}`);
      else if (dice.chance(0.05)) await adjust(send, dice, `adjustment-${id}`);
      else if (dice.chance(0.1)) await pair(of, id, round);
      else await order(of, id, round);
    }
  };
  const workers = Array.from({ length: concurrency }, worker);
  await Promise.all([issueCoupon(send, round), setRules(client, round), ...workers]);
};

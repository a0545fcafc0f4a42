import { setTimeout as sleep } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import type { House } from '../main.js';
import { startRoles } from '../roles.js';
import { ensureAdminKey } from './admin-key.js';
import { printAudit } from './audit.js';
import { type ApiClient, createApiClient, expectStatus } from './demo/client.js';
import { demoReport } from './demo/report.js';
import { EXPIRES_IN_SECONDS, setUpShop } from './demo/shop.js';
import { FLASH_BUYERS, FLASH_UNITS, flashSale, sendTraffic, type Tally } from './demo/traffic.js';
import { withHouse } from './with-house.js';

const ORDERS_DEFAULT = 400;
const EXPIRY_PATIENCE_MS = 20_000;

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

/** Until the watchdog has expired every order that nobody confirmed. */
const awaitExpiries = async (api: ApiClient): Promise<void> => {
  const deadline = performance.now() + EXPIRES_IN_SECONDS * 1_000 + EXPIRY_PATIENCE_MS;
  for (;;) {
    const { body } = await expectStatus('waiting orders', api.get('/v1/orders?status=reserved&limit=1'), 200);
    if ((body.items as unknown[]).length === 0) return;
    if (performance.now() > deadline) throw new Error('unconfirmed orders did not expire');
    await sleep(200);
  }
};

const trade = async (house: House, url: string, orders: number): Promise<void> => {
  const adminKey = await ensureAdminKey(house);
  if (adminKey === undefined) throw new Error(`no admin.key in ${house.settings.dataDir}`);
  const api = createApiClient(url, adminKey);
  const run = Date.now().toString(36);
  const tally: Tally = new Map();
  say('setting up the shop: 3 locations, 3 channels, 60 SKUs, coupons');
  await setUpShop(api, run);

  const bar = new SingleBar({
    format: 'trading [{bar}] {value}/{total} orders',
    etaBuffer: 50,
    hideCursor: true,
    stream: process.stdout,
    noTTYOutput: true,
    notTTYSchedule: 2_000,
  });
  bar.start(orders, 0);
  const began = performance.now();
  await sendTraffic(api, run, orders, tally, () => bar.increment());
  bar.stop();
  say(`${orders} orders with all that followed in ${((performance.now() - began) / 1_000).toFixed(1)} s`);

  say(`flash sale: ${FLASH_UNITS} units, ${FLASH_BUYERS} buyers at once`);
  await flashSale(api, run, tally);
  say('waiting for what nobody confirmed to expire');
  await awaitExpiries(api);
  await house.catchUp();
  say('');
  say(await demoReport(api, tally, undefined));
};

export const registerDemo = (program: Command): void => {
  program
    .command('demo')
    .description('everything embedded: a small shop trades for a minute, then a report and an audit')
    .option('--orders <count>', 'orders to send', String(ORDERS_DEFAULT))
    .action(({ orders }: { orders: string }) =>
      withHouse({ port: 0 }, async (house) => {
        say(`data in ${house.settings.dataDir}, log ${house.logId}`);
        const running = await startRoles(house, ['api', 'processes', 'projections']);
        try {
          if (running.url === undefined) throw new Error('the API did not start');
          await Promise.race([trade(house, running.url, Number(orders)), running.failed]);
          const sound = await printAudit(house);
          if (!sound) process.exitCode = 1;
        } finally {
          await running.stop();
        }
        say('\nNext: `npm start` serves this data; its address answers on /docs with every route.');
        say('      `npx holdfast audit` proves it again, `npx holdfast status` says where everything is.');
      }),
    );
};

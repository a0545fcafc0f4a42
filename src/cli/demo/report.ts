import { type ApiClient, expectStatus } from './client.js';
import { CHANNELS } from './shop.js';
import type { Tally } from './traffic.js';

type Item = Readonly<Record<string, unknown>>;

const PAGE = 200;

/** All pages of a list, a position waited for first. */
const listAll = async (api: ApiClient, path: string, after: string | undefined): Promise<Item[]> => {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (after !== undefined) query.set('after', after);
    if (cursor !== undefined) query.set('cursor', cursor);
    const { body } = await expectStatus(path, api.get(`${path}?${query}`), 200);
    items.push(...(body.items as Item[]));
    cursor = typeof body.nextCursor === 'string' ? body.nextCursor : undefined;
  } while (cursor !== undefined);
  return items;
};

const countBy = (items: readonly Item[], of: (item: Item) => string): [string, number][] => {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(of(item), (counts.get(of(item)) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
};

const table = (title: string, rows: readonly (readonly string[])[]): string => {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  return [title, ...rows.map((row) => `  ${line(row)}`), ''].join('\n');
};

/** What the demo's channels did, and what the read models say of it now. */
export const demoReport = async (
  api: ApiClient,
  tally: Tally,
  after: string | undefined,
): Promise<string> => {
  const orders = await listAll(api, '/v1/orders', after);
  const stock = await listAll(api, '/v1/stock', after);
  const balance = await expectStatus('trial balance', api.get('/v1/ledger/trial-balance'), 200);
  const perLocation = new Map<string, { onHand: number; held: number }>();
  for (const { location, onHand, held } of stock) {
    const entry = perLocation.get(String(location)) ?? { onHand: 0, held: 0 };
    entry.onHand += Number(onHand);
    entry.held += Number(held);
    perLocation.set(String(location), entry);
  }
  const states = countBy(orders, ({ status }) => String(status));
  return [
    table(
      'What the channels did in this run',
      [...tally].sort().map(([what, times]) => [what, String(times)]),
    ),
    table(
      'Orders by state, of all runs',
      states.map(([state, count]) => [state, String(count)]),
    ),
    table('Stock', [
      ['location', 'on hand', 'held'],
      ...[...perLocation].map(([location, { onHand, held }]) => [location, String(onHand), String(held)]),
    ]),
    table('Trial balance', trialRows(balance.body)),
    `Channels: ${CHANNELS.map(({ id }) => id).join(', ')}\n`,
  ].join('\n');
};

const trialRows = (body: Item): string[][] =>
  ((body.items ?? []) as Item[]).flatMap((entry) => [
    [String(entry.currency), 'debit', 'credit'],
    ...((entry.accounts ?? []) as Item[]).map((row) => [
      `  ${String(row.account)}`,
      String(row.debit ?? ''),
      String(row.credit ?? ''),
    ]),
    ['  in all', String(entry.debit ?? ''), String(entry.credit ?? '')],
  ]);

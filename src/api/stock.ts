import { z } from 'zod';
import type { DomainEvent } from '../domain/decider.js';
import { location } from '../domain/location.js';
import { availableToSell, type StockCommand, type StockState, stock } from '../domain/stock.js';
import { stockIdOf } from '../domain/stream-id.js';
import { findStock, listStock, type StockLevel } from '../projections/stock-levels.js';
import { listMovements } from '../projections/stock-movements.js';
import { decided, idOrKey } from './answers.js';
import { SETTINGS_AGE_MAX_MS } from './channels.js';
import type { ApiParts } from './parts.js';
import { asksForPast, foldPast, type PastQuery } from './past.js';
import { Problem } from './problems.js';
import { type Call, defineRoute, type Route } from './route.js';
import {
  effectiveAt,
  id,
  page,
  pageQuery,
  pastQuery,
  quantity,
  signedQuantity,
  slug,
  text,
} from './schemas.js';

const units = z.int();

const levelView = z
  .object({
    sku: z.string(),
    location: z.string(),
    onHand: units,
    held: units.meta({ description: 'Promised to orders.' }),
    available: units.meta({ description: 'Available to sell: on hand less held.' }),
  })
  .meta({ id: 'StockLevel' });

const stockView = z
  .object({ sku: z.string(), onHand: units, held: units, available: units, locations: z.array(levelView) })
  .meta({ id: 'Stock', description: 'A SKU in total and by location.' });

const movementView = z
  .object({
    sku: z.string(),
    location: z.string(),
    kind: z.enum(['received', 'held', 'captured', 'released', 'returned', 'adjusted']),
    quantity: units.meta({ description: 'Signed for `adjusted` only.' }),
    causeId: z.string().meta({ description: 'Its receipt, order, return or adjustment.' }),
    reason: z.string().nullable(),
    position: z.string(),
    revision: units,
    effectiveAt: z.iso.datetime(),
    recordedAt: z.iso.datetime(),
  })
  .meta({ id: 'StockMovement' });

type Level = z.output<typeof levelView>;

const viewOfLevel = ({ sku, location: at, onHand, held, available }: StockLevel): Level => ({
  sku,
  location: at,
  onHand,
  held,
  available,
});

const viewOfState = (sku: string, at: string, state: StockState): Level => ({
  sku,
  location: at,
  onHand: state.onHand,
  held: state.holds.held,
  available: availableToSell(state),
});

const inTotal = (sku: string, locations: readonly Level[]): z.output<typeof stockView> => {
  const sum = (of: (level: Level) => number): number => locations.reduce((all, one) => all + of(one), 0);
  return {
    sku,
    onHand: sum(({ onHand }) => onHand),
    held: sum(({ held }) => held),
    available: sum(({ available }) => available),
    locations: [...locations],
  };
};

const READERS = ['channel', 'warehouse', 'finance', 'reader'] as const;
const unknownStock = (): Problem => new Problem('unknown_stock', 'the SKU was never seen');

const responses = {
  200: { description: 'It was recorded before.', schema: levelView },
  201: { description: 'Recorded.', schema: levelView },
};

export const stockRoutes = ({ bus, db }: ApiParts): Route[] => {
  const past = async (sku: string, query: PastQuery): Promise<Level[]> => {
    const known = (await findStock(db, sku))?.locations ?? [];
    const levels: Level[] = [];
    for (const { location: at } of known) {
      const { state, events } = await foldPast(bus, stock, stockIdOf(at, sku), query);
      if (events > 0) levels.push(viewOfState(sku, at, state));
    }
    return levels;
  };

  const write = async (
    call: Call<{ id: string }, unknown, { readonly sku: string; readonly effectiveAt?: string | undefined }>,
    command: StockCommand,
  ) => {
    const { params, body } = call;
    const { state: settings } = await bus.load(location, params.id, { maxAgeMs: SETTINGS_AGE_MAX_MS });
    if (settings === null) throw new Problem('unknown_location', `there is no location ${params.id}`);
    const context = call.context({ effectiveAt: body.effectiveAt });
    const result = await bus.execute<
      StockCommand,
      DomainEvent & Parameters<typeof stock.evolve>[1],
      StockState
    >(stock, stockIdOf(params.id, body.sku), command, context);
    return decided(result, viewOfState(body.sku, params.id, result.state));
  };

  return [
    defineRoute({
      method: 'get',
      path: '/v1/stock',
      tag: 'stock',
      summary: 'Stock by SKU and location',
      access: READERS,
      query: z.strictObject({ location: slug.optional(), ...pageQuery }),
      awaitable: true,
      responses: { 200: { description: 'A page.', schema: page(levelView) } },
      problems: ['invalid_cursor'],
      handle: async ({ query }) => {
        const { items, nextCursor } = await listStock(db, query);
        return { status: 200, body: { items: items.map(viewOfLevel), nextCursor } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/stock/{sku}',
      tag: 'stock',
      summary: 'Stock of a SKU in total and by location, now or in the past',
      access: READERS,
      params: z.strictObject({ sku: id }),
      query: z.strictObject(pastQuery),
      awaitable: true,
      responses: { 200: { description: 'Its stock.', schema: stockView } },
      problems: ['unknown_stock', 'history_too_long'],
      handle: async ({ params: { sku }, query }) => {
        const levels = asksForPast(query)
          ? await past(sku, query)
          : (await findStock(db, sku))?.locations.map(viewOfLevel);
        if (levels === undefined || levels.length === 0) throw unknownStock();
        return { status: 200, body: inTotal(sku, levels) };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/stock/{sku}/movements',
      tag: 'stock',
      summary: 'What moved the stock of a SKU, the newest first',
      access: ['warehouse', 'finance', 'reader'],
      params: z.strictObject({ sku: id }),
      query: z.strictObject({
        location: slug.optional(),
        causeId: z.string().min(1).max(4_000).optional(),
        ...pageQuery,
      }),
      awaitable: true,
      responses: { 200: { description: 'A page.', schema: page(movementView) } },
      problems: ['unknown_stock', 'invalid_cursor'],
      handle: async ({ params: { sku }, query }) => {
        const { items, nextCursor } = await listMovements(db, sku, query);
        if (items.length === 0 && (await findStock(db, sku)) === undefined) throw unknownStock();
        return { status: 200, body: { items, nextCursor } };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/locations/{id}/receipts',
      tag: 'stock',
      summary: 'Goods came in',
      access: ['warehouse'],
      params: z.strictObject({ id: slug }),
      body: z.strictObject({
        receiptId: id.optional(),
        sku: id,
        quantity,
        reason: text.optional(),
        effectiveAt,
      }),
      idempotent: true,
      responses,
      problems: [
        'unknown_location',
        'id_reused',
        'too_much_stock',
        'idempotency_key_required',
        'effective_in_future',
      ],
      handle: (call) => {
        const { receiptId, quantity: received, reason } = call.body;
        return write(call, {
          type: 'receive',
          receiptId: idOrKey(receiptId, call, 'receiptId'),
          quantity: received,
          ...(reason === undefined ? {} : { reason }),
        });
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/locations/{id}/adjustments',
      tag: 'stock',
      summary: 'A count, a find, a write-off',
      description: 'With `expectedOnHand` it is done only if that is what is on hand.',
      access: ['warehouse'],
      params: z.strictObject({ id: slug }),
      body: z.strictObject({
        adjustmentId: id.optional(),
        sku: id,
        delta: signedQuantity,
        reason: text,
        expectedOnHand: z.int().min(0).optional(),
        effectiveAt,
      }),
      idempotent: true,
      responses,
      problems: [
        'unknown_location',
        'id_reused',
        'stale_on_hand',
        'insufficient_on_hand',
        'below_held',
        'too_much_stock',
        'idempotency_key_required',
        'effective_in_future',
      ],
      handle: (call) => {
        const { adjustmentId, delta, reason, expectedOnHand } = call.body;
        return write(call, {
          type: 'adjust',
          adjustmentId: idOrKey(adjustmentId, call, 'adjustmentId'),
          delta,
          reason,
          ...(expectedOnHand === undefined ? {} : { expectedOnHand }),
        });
      },
    }),
  ];
};

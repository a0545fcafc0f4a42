import { z } from 'zod';
import { ENTRY_KINDS } from '../domain/settlement.js';
import { isAccount } from '../domain/settlement-accounts.js';
import { createLedger } from '../processes/ledger.js';
import { type BalanceFilter, balances, trialBalance } from '../projections/ledger-balances.js';
import { listEntries } from '../projections/ledger-entries.js';
import { ledgerMonths } from '../projections/ledger-months.js';
import { decided, idOrKey } from './answers.js';
import type { ApiParts } from './parts.js';
import { parsePosition } from './position-token.js';
import { defineRoute, type Route } from './route.js';
import {
  currency,
  day,
  id,
  instant,
  page,
  pageQuery,
  pastQuery,
  signedMoney,
  slug,
  text,
} from './schemas.js';

const READERS = ['finance', 'reader'] as const;
const POSTINGS_MAX = 100;
const ACCOUNT_LENGTH_MAX = 200;

const account = z
  .string()
  .max(ACCOUNT_LENGTH_MAX)
  .refine(isAccount, 'an account of the chart')
  .meta({ description: '`receivable`, `sales`, `charges:postage`, ...', example: 'receivable' });

const posting = z.strictObject({ account, amount: signedMoney });
const amount = z.string();
const month = z
  .string()
  .regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'YYYY-MM')
  .meta({ example: '2026-11' });

const entryView = z
  .object({
    id: z.string(),
    party: z.string(),
    month,
    kind: z.enum(ENTRY_KINDS),
    currency: z.string(),
    effectiveAt: z.iso.datetime(),
    effectiveDay: z.iso.date(),
    recordedAt: z.iso.datetime(),
    reference: z.record(z.string(), z.string().nullable()),
    reason: z.string().nullable(),
    cause: z.object({ type: z.string(), stream: z.string(), revision: z.int() }).nullable(),
    settlement: z
      .object({ currency: z.string(), rate: z.string(), source: z.string(), asOf: z.iso.datetime() })
      .optional()
      .meta({ description: 'The currency that its order is settled in; `settled` is in it.' }),
    postings: z
      .array(z.object({ account: z.string(), amount, settled: amount.optional() }))
      .meta({ description: 'Debit positive, credit negative; they sum to zero.' }),
    position: z.string(),
  })
  .meta({ id: 'LedgerEntry' });

const balanceView = z
  .object({
    party: z.string(),
    currency: z.string(),
    account: z.string(),
    debit: amount,
    credit: amount,
    balance: amount,
  })
  .meta({ id: 'Balance' });

const trialView = z
  .object({
    currency: z.string(),
    accounts: z.array(
      z.object({ account: z.string(), class: z.string().nullable(), debit: amount, credit: amount }),
    ),
    debit: amount,
    credit: amount,
    difference: amount.meta({ description: 'Zero, or the books are wrong.' }),
  })
  .meta({ id: 'TrialBalance' });

const monthView = z
  .object({
    party: z.string(),
    month,
    currency: z.string(),
    sales: amount,
    discounts: amount,
    tax: amount,
    charged: amount,
    credited: amount,
    paid: amount,
    adjusted: amount,
  })
  .meta({ id: 'LedgerMonth' });

const adjustment = z.strictObject({
  adjustmentId: id.optional().meta({ description: 'Once per channel and month.' }),
  channel: slug,
  kind: z.enum(['write_off', 'adjustment']).default('adjustment'),
  currency,
  reason: text,
  document: id.optional().meta({ description: 'What it refers to.' }),
  postings: z.array(posting).min(2).max(POSTINGS_MAX),
  effectiveAt: instant.meta({ description: 'An entry by hand is always dated.' }),
});

const adjustmentView = z
  .object({ ...adjustment.shape, entryId: z.string().optional(), month: month.optional() })
  .meta({ id: 'LedgerAdjustment' });

const pointShape = {
  party: slug.optional(),
  currency: currency.optional(),
  day: day
    .optional()
    .meta({ description: 'Up to and including this effective day; not together with asOf.' }),
  ...pastQuery,
};
const onePoint = (query: {
  readonly day?: string | undefined;
  readonly asOf?: string | undefined;
}): boolean => query.day === undefined || query.asOf === undefined;
const ONE_POINT = { path: ['day'], message: 'day or asOf, not both' };

type Point = Partial<
  Record<'party' | 'currency' | 'account' | 'day' | 'asOf' | 'knownAt', string | undefined>
>;

const filterOf = ({ asOf, knownAt, ...rest }: Point): BalanceFilter => {
  const knownTo = knownAt === undefined ? undefined : parsePosition(knownAt)?.commit;
  return {
    ...rest,
    asOf: asOf === undefined ? undefined : new Date(asOf),
    knownTo,
    knownAt: knownAt === undefined || knownTo !== undefined ? undefined : new Date(knownAt),
  };
};

export const ledgerRoutes = ({ bus, db }: ApiParts): Route[] => {
  const ledger = createLedger(bus);
  return [
    defineRoute({
      method: 'get',
      path: '/v1/ledger/entries',
      tag: 'ledger',
      summary: 'Entries in the order they were posted',
      access: READERS,
      query: z.strictObject({
        party: slug.optional(),
        month: month.optional(),
        kind: z.enum(ENTRY_KINDS).optional(),
        currency: currency.optional(),
        orderId: z.string().min(1).max(4_000).optional(),
        note: id.optional(),
        account: account.optional(),
        from: day.optional(),
        to: day.optional(),
        ...pageQuery,
      }),
      awaitable: true,
      responses: { 200: { description: 'A page.', schema: page(entryView) } },
      problems: ['invalid_cursor'],
      handle: async ({ query }) => ({ status: 200, body: await listEntries(db, query) }),
    }),
    defineRoute({
      method: 'get',
      path: '/v1/ledger/balances',
      tag: 'ledger',
      summary: 'Balances by party, currency and account, now or in the past',
      access: READERS,
      query: z.strictObject({ ...pointShape, account: account.optional() }).refine(onePoint, ONE_POINT),
      awaitable: true,
      responses: { 200: { description: 'All of them.', schema: z.object({ items: z.array(balanceView) }) } },
      handle: async ({ query }) => ({ status: 200, body: { items: await balances(db, filterOf(query)) } }),
    }),
    defineRoute({
      method: 'get',
      path: '/v1/ledger/trial-balance',
      tag: 'ledger',
      summary: 'All accounts of each currency, and whether they balance',
      access: READERS,
      query: z.strictObject(pointShape).refine(onePoint, ONE_POINT),
      awaitable: true,
      responses: {
        200: { description: 'One per currency.', schema: z.object({ items: z.array(trialView) }) },
      },
      handle: async ({ query }) => ({
        status: 200,
        body: { items: await trialBalance(db, filterOf(query)) },
      }),
    }),
    defineRoute({
      method: 'get',
      path: '/v1/ledger/months',
      tag: 'ledger',
      summary: 'What was charged, credited and adjusted, by party and month',
      access: READERS,
      query: z.strictObject({
        party: slug.optional(),
        currency: currency.optional(),
        from: day.optional(),
        to: day.optional(),
      }),
      awaitable: true,
      responses: { 200: { description: 'All of them.', schema: z.object({ items: z.array(monthView) }) } },
      handle: async ({ query }) => ({ status: 200, body: { items: await ledgerMonths(db, query) } }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/ledger/adjustments',
      tag: 'ledger',
      summary: 'Posts an entry by hand: bad debt, a correction',
      access: ['finance'],
      body: adjustment,
      idempotent: true,
      responses: {
        200: { description: 'It was posted before.', schema: adjustmentView },
        201: { description: 'Posted.', schema: adjustmentView },
      },
      problems: [
        'unknown_channel',
        'invalid_amount',
        'unbalanced',
        'empty_entry',
        'id_reused',
        'idempotency_key_required',
        'effective_in_future',
      ],
      handle: async (call) => {
        const { effectiveAt: at, document, adjustmentId, ...rest } = call.body;
        const asked = {
          ...rest,
          adjustmentId: idOrKey(adjustmentId, call, 'adjustmentId'),
          ...(document === undefined ? {} : { document }),
        };
        const context = call.context({ effectiveAt: at, channel: asked.channel });
        const answer = await ledger.adjust(asked, context);
        const entry = answer.status === 'accepted' ? answer.entry : undefined;
        const body = { ...asked, effectiveAt: at, entryId: entry?.entryId, month: entry?.month };
        return decided(answer, body);
      },
    }),
  ];
};

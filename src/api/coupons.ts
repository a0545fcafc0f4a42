import { z } from 'zod';
import { type CouponState, type CouponTerms, coupon, couponTerms } from '../domain/coupon.js';
import { parseAmount } from '../domain/money.js';
import { type CouponView, findCoupon, listCoupons, listRedemptions } from '../projections/coupons.js';
import { decided } from './answers.js';
import type { ApiParts } from './parts.js';
import { asksForPast, foldPast } from './past.js';
import { Problem } from './problems.js';
import { defineRoute, type Route } from './route.js';
import { currency, instant, money, page, pageQuery, pastQuery, slug } from './schemas.js';

const [, percentOff] = couponTerms.shape.discount.options;

const terms = {
  discount: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('amount'), amount: money, currency }),
    z.strictObject({ kind: z.literal('percent'), percent: percentOff.shape.percent }),
  ]),
  limit: couponTerms.shape.limit.meta({ description: 'How often it may be redeemed in all.' }),
  channels: z.array(slug).min(1).max(100).optional(),
  validFrom: instant.optional(),
  validUntil: instant.optional(),
};

const body = z
  .strictObject({ code: slug, ...terms })
  .refine(
    ({ validFrom, validUntil }) =>
      validFrom === undefined || validUntil === undefined || Date.parse(validFrom) < Date.parse(validUntil),
    { path: ['validUntil'], message: 'after validFrom' },
  );

const view = z
  .object({
    code: z.string(),
    ...terms,
    held: z.int().meta({ description: 'Promised to orders that wait for confirmation.' }),
    redeemed: z.int(),
    available: z.int(),
  })
  .meta({ id: 'Coupon' });

const viewOf = (code: string, state: CouponState, issued: CouponTerms) => ({
  code,
  ...issued,
  held: state.holds.held,
  redeemed: state.redeemed,
  available: issued.limit - state.redeemed - state.holds.held,
});

const viewOfRow = ({ code, terms: issued, held, redeemed, available }: CouponView) => ({
  code,
  ...issued,
  held,
  redeemed,
  available,
});

const redemptionView = z
  .object({
    orderId: z.string(),
    status: z.enum(['held', 'redeemed', 'released', 'given_back']),
    effectiveAt: z.iso.datetime(),
    recordedAt: z.iso.datetime(),
  })
  .meta({ id: 'Redemption' });

const unknownCoupon = (): Problem => new Problem('unknown_coupon', 'no coupon has this code');

export const couponRoutes = ({ bus, db }: ApiParts): Route[] => [
  defineRoute({
    method: 'post',
    path: '/v1/coupons',
    tag: 'coupons',
    summary: 'Issues a coupon',
    description: 'Once per code: the same terms again change nothing, others are refused.',
    access: ['finance'],
    body,
    idempotent: true,
    responses: {
      200: { description: 'It was issued already.', schema: view },
      201: { description: 'Issued.', schema: view },
    },
    problems: ['coupon_exists', 'invalid_amount'],
    handle: async (call) => {
      const { code, ...issued } = call.body;
      const { discount } = issued;
      if (discount.kind === 'amount' && parseAmount(discount.amount, discount.currency) === undefined) {
        throw new Problem('invalid_amount', `${discount.amount} is not an amount of ${discount.currency}`);
      }
      const result = await bus.execute(coupon, code, { type: 'issue', terms: issued }, call.context());
      return decided(result, viewOf(code, result.state, issued), {
        Location: `/v1/coupons/${encodeURIComponent(code)}`,
      });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/coupons/{code}',
    tag: 'coupons',
    summary: 'A coupon, now or in the past',
    access: ['finance', 'reader'],
    params: z.strictObject({ code: slug }),
    query: z.strictObject(pastQuery),
    awaitable: true,
    responses: { 200: { description: 'Its terms and what is left of it.', schema: view } },
    problems: ['unknown_coupon', 'history_too_long'],
    handle: async ({ params: { code }, query }) => {
      if (asksForPast(query)) {
        const { state } = await foldPast(bus, coupon, code, query);
        if (state.terms === undefined) throw unknownCoupon();
        return { status: 200, body: viewOf(code, state, state.terms) };
      }
      const found = await findCoupon(db, code);
      if (found === undefined) throw unknownCoupon();
      return { status: 200, body: viewOfRow(found) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/coupons',
    tag: 'coupons',
    summary: 'Coupons by code',
    access: ['finance', 'reader'],
    query: z.strictObject(pageQuery),
    awaitable: true,
    responses: { 200: { description: 'A page.', schema: page(view) } },
    problems: ['invalid_cursor'],
    handle: async ({ query }) => {
      const { items, nextCursor } = await listCoupons(db, query);
      return { status: 200, body: { items: items.map(viewOfRow), nextCursor } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/coupons/{code}/redemptions',
    tag: 'coupons',
    summary: 'What orders did with a coupon',
    access: ['finance', 'reader'],
    params: z.strictObject({ code: slug }),
    query: z.strictObject(pageQuery),
    awaitable: true,
    responses: { 200: { description: 'A page.', schema: page(redemptionView) } },
    problems: ['unknown_coupon', 'invalid_cursor'],
    handle: async ({ params: { code }, query }) => {
      if ((await findCoupon(db, code)) === undefined) throw unknownCoupon();
      return { status: 200, body: await listRedemptions(db, code, query) };
    },
  }),
];

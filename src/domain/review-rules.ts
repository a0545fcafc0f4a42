import { z } from 'zod';
import { amountOf, formatAmount, parseAmount, parseDecimal, UNIT_PRICE_DECIMALS_MAX } from './money.js';
import type { OrderPlaced } from './order-events.js';
import { blocks, holdType, type OrderHeld, resolverRole } from './review.js';
import { amountText, businessId, currency, QUANTITY_MAX, STORABLE_TEXT } from './schemas.js';

/**
 * Rules that put reviews on the orders of a channel: data with a version, part of the channel's settings, evaluated once, when
 * an order is placed, over the order as the channel sent it (before coupons).
 */
export const RULES_MAX = 50;
export const RULE_ENTRIES_MAX = 1_000;
/** A rule that matches more lines than this holds the whole order: an event must stay small. */
export const LINES_NAMED_MAX = 100;
/** How long an order that a rule holds may keep its stock: 90 days. */
export const KEEP_SECONDS_MAX = 60 * 60 * 24 * 90;

const decimal = z.string().regex(/^\d{1,15}(\.\d{1,6})?$/, 'a decimal string such as "12.34"');
const entries = <Schema extends z.ZodType>(of: Schema) => z.array(of).min(1).max(RULE_ENTRIES_MAX);

export const ruleCondition = z.discriminatedUnion('kind', [
  /** All lines with tax come to more than this; orders in another currency never match. */
  z.strictObject({ kind: z.literal('amount'), currency, over: amountText }),
  /** No order of this customer was ever confirmed, or nobody knows who it is. */
  z.strictObject({ kind: z.literal('first-order') }),
  /** A line asks less per unit than the floor of its SKU. */
  z.strictObject({
    kind: z.literal('price-floor'),
    currency,
    floors: entries(z.strictObject({ sku: businessId, floor: decimal })),
  }),
  /** The destination is in the country, and has the postal code where one is given. */
  z.strictObject({
    kind: z.literal('address'),
    places: entries(
      z.strictObject({
        country: z.string().regex(/^[A-Z]{2}$/, 'an ISO 3166 alpha-2 code'),
        postalCode: z.string().min(1).max(20).regex(STORABLE_TEXT).optional(),
      }),
    ),
  }),
  /** More units of one SKU than this, all lines of it together; any SKU when none is named. */
  z.strictObject({
    kind: z.literal('quantity'),
    over: z.int().min(0).max(QUANTITY_MAX),
    sku: businessId.optional(),
  }),
  z.strictObject({ kind: z.literal('customer'), customerIds: entries(businessId) }),
]);

/** A rule as somebody writes it. */
export const ruleText = z.strictObject({
  id: businessId,
  holdType,
  blocks,
  role: resolverRole,
  when: ruleCondition,
});
/** A rule as it is recorded: its version is that of the policy that changed it last, so it never comes twice. */
export const reviewPolicy = z.object({
  version: z.int().min(1),
  /** An order that a rule keeps from being confirmed holds its stock at least this long, then expires. */
  keepSeconds: z.int().min(1).max(KEEP_SECONDS_MAX),
  rules: z.array(ruleText.extend({ version: z.int().min(1) })).max(RULES_MAX),
});

export type RuleText = z.infer<typeof ruleText>;
export type ReviewPolicy = z.infer<typeof reviewPolicy>;
export type ReviewRule = ReviewPolicy['rules'][number];
type Condition = z.infer<typeof ruleCondition>;
type Placed = OrderPlaced['data'];

/** What the order process knows of the customer, and the order itself does not. */
export interface CustomerFacts {
  /** Whether an order of this customer was confirmed before; as the read model had it, so at worst a little late. */
  readonly knownCustomer?: boolean;
}

/** What matched, in words, and the lines it is about; the whole order when there are none. */
interface Match {
  readonly matched: string;
  readonly lines?: readonly string[];
}

const plain = (postalCode: string): string => postalCode.replace(/\s/g, '').toUpperCase();
const micros = (price: string): bigint => parseDecimal(price, UNIT_PRICE_DECIMALS_MAX) ?? 0n;

const onLines = (found: readonly { readonly lineId: string; readonly why: string }[]): Match | undefined => {
  const [first] = found;
  if (first === undefined) return undefined;
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : '';
  const matched = `line ${first.lineId}: ${first.why}${more}`;
  return found.length > LINES_NAMED_MAX ? { matched } : { matched, lines: found.map(({ lineId }) => lineId) };
};

const matchAmount = (when: Condition & { kind: 'amount' }, placed: Placed): Match | undefined => {
  if (when.currency !== placed.currency) return undefined;
  const total = placed.lines.reduce(
    (sum, { amount, tax }) => sum + amountOf(amount, placed.currency) + amountOf(tax, placed.currency),
    0n,
  );
  if (total <= amountOf(when.over, when.currency)) return undefined;
  return { matched: `${formatAmount(total, placed.currency)} ${placed.currency} is over ${when.over}` };
};

const matchFloors = (when: Condition & { kind: 'price-floor' }, placed: Placed): Match | undefined => {
  if (when.currency !== placed.currency) return undefined;
  const floors = new Map(when.floors.map(({ sku, floor }) => [sku, floor]));
  return onLines(
    placed.lines.flatMap(({ lineId, sku, unitPrice }) => {
      const floor = floors.get(sku);
      return floor !== undefined && micros(unitPrice) < micros(floor)
        ? [{ lineId, why: `${sku} at ${unitPrice} is under ${floor}` }]
        : [];
    }),
  );
};

const matchQuantity = (when: Condition & { kind: 'quantity' }, { lines }: Placed): Match | undefined => {
  const goods = lines.filter(({ kind, sku }) => kind === 'goods' && (when.sku ?? sku) === sku);
  const units = new Map<string, number>();
  for (const { sku, quantity } of goods) units.set(sku, (units.get(sku) ?? 0) + quantity);
  return onLines(
    goods.flatMap(({ lineId, sku }) => {
      const all = units.get(sku) ?? 0;
      return all > when.over ? [{ lineId, why: `${all} of ${sku} is over ${when.over}` }] : [];
    }),
  );
};

const matchAddress = (when: Condition & { kind: 'address' }, { destination }: Placed): Match | undefined => {
  if (destination === undefined) return undefined;
  const code = plain(destination.postalCode ?? '');
  const place = when.places.find(
    ({ country, postalCode }) =>
      country === destination.country && (postalCode === undefined || plain(postalCode) === code),
  );
  if (place === undefined) return undefined;
  return { matched: `the address is in ${[place.country, place.postalCode ?? ''].join(' ').trim()}` };
};

const match = (when: Condition, placed: Placed, facts: CustomerFacts): Match | undefined => {
  switch (when.kind) {
    case 'amount':
      return matchAmount(when, placed);
    case 'first-order':
      if (placed.customerId === undefined) return { matched: 'a guest' };
      return facts.knownCustomer === true
        ? undefined
        : { matched: `no confirmed order of customer ${placed.customerId} was known` };
    case 'price-floor':
      return matchFloors(when, placed);
    case 'address':
      return matchAddress(when, placed);
    case 'quantity':
      return matchQuantity(when, placed);
    case 'customer':
      return placed.customerId !== undefined && when.customerIds.includes(placed.customerId)
        ? { matched: `customer ${placed.customerId} is on the list` }
        : undefined;
  }
};

/** Id of the review that a rule puts on an order: at most one each. */
export const ruleHoldId = (ruleId: string): string => `rule:${ruleId}`;

/** The reviews that the rules put on an order, in the order of the rules. Pure. */
export const reviewsByRule = (
  rules: readonly ReviewRule[],
  placed: Placed,
  facts: CustomerFacts = {},
): OrderHeld[] =>
  rules.flatMap(({ id, version, holdType: type, blocks: steps, role, when }): OrderHeld[] => {
    const found = match(when, placed, facts);
    if (found === undefined) return [];
    return [
      {
        type: 'OrderHeld',
        data: {
          holdId: ruleHoldId(id),
          holdType: type,
          blocks: [...steps],
          role,
          ...(found.lines === undefined ? {} : { lines: [...found.lines] }),
          reason: found.matched,
          rule: { id, version },
        },
      },
    ];
  });

/** The first rule whose amount its currency does not have. */
export const ruleWithoutAmount = (rules: readonly RuleText[]): RuleText | undefined =>
  rules.find(({ when }) => when.kind === 'amount' && parseAmount(when.over, when.currency) === undefined);

const textOf = ({ version: _, ...rule }: ReviewRule): string => JSON.stringify(ruleText.parse(rule));

/**
 * The policy after somebody wrote these rules: the same object when nothing changes. A rule keeps its version as long as it
 * says the same; one that is new or changed gets the policy's.
 */
export const revisePolicy = (
  before: ReviewPolicy | undefined,
  keepSeconds: number,
  rules: readonly RuleText[],
): ReviewPolicy => {
  const version = (before?.version ?? 0) + 1;
  const known = new Map((before?.rules ?? []).map((rule) => [rule.id, rule]));
  const revised = rules.map((rule): ReviewRule => {
    const old = known.get(rule.id);
    const text = ruleText.parse(rule);
    return old !== undefined && textOf(old) === JSON.stringify(text) ? old : { ...text, version };
  });
  const same =
    before !== undefined &&
    before.keepSeconds === keepSeconds &&
    before.rules.length === revised.length &&
    revised.every((rule, index) => rule === before.rules[index]);
  return same ? before : { version, keepSeconds, rules: revised };
};

import { z } from 'zod';
import { type DomainEvent, type Rejection, reject } from './decider.js';
import { defineEvent } from './event-definition.js';
import { recordedId } from './schemas.js';

/**
 * A review: what blocks an order, or lines of it, until somebody resolves it (a *hold type* in the field's words, design 9).
 * It promises no units; that is a hold (`domain/hold.ts`), and in code the two never share a word.
 *
 *     open --> released | rejected (its units are cancelled) | lapsed (nothing of what it held is open any more)
 */
export const HOLD_TYPES = ['review', 'price', 'credit', 'fraud', 'address', 'payment'] as const;
/** Steps that a review can block. Never the cancellation: whoever wants out gets out. */
export const BLOCKABLE_STEPS = ['confirm', 'ship'] as const;
/** Roles of API keys that can be asked to resolve one; `admin` may resolve any. */
export const RESOLVER_ROLES = ['admin', 'channel', 'warehouse', 'finance'] as const;
export const REVIEW_OUTCOMES = ['released', 'rejected', 'lapsed'] as const;

/** Reviews that one order can have in its life. */
export const REVIEWS_MAX = 100;

export const holdType = z.enum(HOLD_TYPES);
export const blocks = z.array(z.enum(BLOCKABLE_STEPS)).min(1).max(BLOCKABLE_STEPS.length);
export const resolverRole = z.enum(RESOLVER_ROLES);

const held = z.object({
  holdId: recordedId,
  holdType,
  blocks,
  /** Who may resolve it. */
  role: resolverRole,
  /** The lines it is on; the whole order when absent. */
  lines: z.array(recordedId).min(1).optional(),
  /** Put by hand: why. By a rule: what matched. */
  reason: z.string(),
  /** The rule that put it; put by hand when absent. */
  rule: z.object({ id: recordedId, version: z.int().min(1) }).optional(),
});

const resolved = z.object({
  holdId: recordedId,
  outcome: z.enum(REVIEW_OUTCOMES),
  /** Why; who and when are in the metadata. */
  reason: z.string(),
});

/** Facts of an order's stream. */
export const reviewEvents = [
  defineEvent({ type: 'OrderHeld', version: 1, schema: held }),
  defineEvent({ type: 'OrderHoldResolved', version: 1, schema: resolved }),
];

export type HoldType = (typeof HOLD_TYPES)[number];
export type BlockableStep = (typeof BLOCKABLE_STEPS)[number];
export type ResolverRole = (typeof RESOLVER_ROLES)[number];
export type OrderHeld = DomainEvent<'OrderHeld', z.infer<typeof held>>;
export type OrderHoldResolved = DomainEvent<'OrderHoldResolved', z.infer<typeof resolved>>;
export type ReviewEvent = OrderHeld | OrderHoldResolved;

/** A review in the state of its order. An order that has ended has no open one. */
export interface Review {
  readonly held: OrderHeld['data'];
  readonly resolution?: Omit<OrderHoldResolved['data'], 'holdId'>;
}

export type Reviews = ReadonlyMap<string, Review>;

export const openReviews = (reviews: Reviews): Review[] =>
  [...reviews.values()].filter(({ resolution }) => resolution === undefined);

/** The open reviews that block a step, of the whole order or of a line. */
export const reviewsBlocking = (reviews: Reviews, step: BlockableStep): Review[] =>
  openReviews(reviews).filter(({ held }) => held.blocks.includes(step));

/** Why a step is refused: what it waits for, and for whom. */
export const orderHeld = (blocking: readonly Review[]): Rejection =>
  reject('order_held', `waits for ${blocking.map(({ held }) => held.holdType).join(', ')}`, {
    holds: blocking.map(({ held: { holdId, holdType: type, role } }) => ({ holdId, holdType: type, role })),
  });

import type { OrderCommand } from '../../src/domain/order.js';
import type { ReviewRule } from '../../src/domain/review-rules.js';

/** Reviews to test with: by finance, of fraud, before the confirmation, unless said otherwise. */
type Put = OrderCommand & { type: 'review' };
type Resolve = OrderCommand & { type: 'resolve-review' };

export const review = (holdId: string, more: Partial<Omit<Put, 'type' | 'holdId'>> = {}): Put => ({
  type: 'review',
  holdId,
  holdType: 'fraud',
  blocks: ['confirm'],
  role: 'finance',
  reason: 'looks odd',
  ...more,
});

export const resolveReview = (
  holdId: string,
  outcome: Resolve['outcome'],
  more: Partial<Omit<Resolve, 'type' | 'holdId' | 'outcome'>> = {},
): Resolve => ({ type: 'resolve-review', holdId, outcome, reason: 'looked at', role: 'finance', ...more });

export const rule = (id: string, when: ReviewRule['when'], more: Partial<ReviewRule> = {}): ReviewRule => ({
  id,
  version: 1,
  holdType: 'fraud',
  blocks: ['confirm'],
  role: 'finance',
  when,
  ...more,
});

export const OVER_100: ReviewRule = rule('big', { kind: 'amount', currency: 'GBP', over: '100.00' });

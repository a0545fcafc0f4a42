import { z } from 'zod';
import type { OrderState } from '../domain/order-state.js';
import { BLOCKABLE_STEPS, HOLD_TYPES, RESOLVER_ROLES, REVIEW_OUTCOMES } from '../domain/review.js';
import type { ReviewView } from '../projections/review-queue.js';

const by = z.string().optional().meta({ description: 'Who, as `key:<id>`; not in the answer of a command.' });
const at = z.iso.datetime().optional().meta({ description: 'When; not in the answer of a command.' });

export const reviewShape = {
  holdId: z.string(),
  holdType: z.enum(HOLD_TYPES),
  blocks: z.array(z.enum(BLOCKABLE_STEPS)).meta({ description: 'Steps that wait for it.' }),
  role: z.enum(RESOLVER_ROLES).meta({ description: 'Of the key that may resolve it, besides `admin`.' }),
  lines: z.array(z.string()).optional().meta({ description: 'The whole order when absent.' }),
  reason: z.string().meta({ description: 'Why; of a rule, what matched.' }),
  rule: z
    .object({ id: z.string(), version: z.int() })
    .optional()
    .meta({ description: 'The rule that put it; put by hand when absent.' }),
  heldBy: by,
  heldAt: at,
  resolution: z
    .object({
      outcome: z
        .enum(REVIEW_OUTCOMES)
        .meta({ description: '`lapsed`: nothing of what it held is open any more.' }),
      reason: z.string(),
      by,
      at,
    })
    .optional()
    .meta({ description: 'Open when absent.' }),
};

export const reviewView = z.object(reviewShape).meta({ id: 'Review' });
type View = z.input<typeof reviewView>;

/** The reviews of an order from its stream, which does not say who and when: that is in the events' metadata. */
export const reviewsOfState = ({ reviews }: OrderState): View[] =>
  [...reviews.values()].map(({ held, resolution }) => ({ ...held, resolution }));

export const viewOfReview = (row: ReviewView): View => ({
  holdId: row.holdId,
  holdType: row.holdType,
  blocks: [...row.blocks],
  role: row.role,
  lines: row.lines === null ? undefined : [...row.lines],
  reason: row.reason,
  rule: row.rule ?? undefined,
  heldBy: row.heldBy,
  heldAt: row.heldAt.toISOString(),
  resolution:
    row.resolution === null ? undefined : { ...row.resolution, at: row.resolution.at.toISOString() },
});

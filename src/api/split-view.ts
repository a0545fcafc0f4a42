import { z } from 'zod';
import type { OrderState } from '../domain/order-state.js';
import type { SplitView } from '../projections/order-splits.js';

const units = z.int();

export const splitView = z
  .object({
    splitId: z.string(),
    requestedDate: z.string().optional().meta({ description: 'The day it is wanted.' }),
    priority: z.int().optional().meta({ description: '1 is the most urgent.' }),
    undone: z.boolean().meta({ description: 'Its units are of the rest again.' }),
    lines: z.array(z.object({ lineId: z.string(), quantity: units, shipped: units, cancelled: units })),
  })
  .meta({ id: 'Split', description: 'Units that ship apart.' });
type View = z.input<typeof splitView>;

export const splitsOfState = ({ splits }: OrderState): View[] =>
  [...splits.values()].map(({ split, lines, undone }) => ({
    splitId: split.splitId,
    requestedDate: split.requestedDate,
    priority: split.priority,
    undone,
    lines: [...lines].map(([lineId, line]) => ({ lineId, ...line })),
  }));

export const viewOfSplit = ({ requestedDate, priority, lines, ...row }: SplitView): View => ({
  ...row,
  requestedDate: requestedDate ?? undefined,
  priority: priority ?? undefined,
  lines: [...lines],
});

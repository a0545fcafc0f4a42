import { type Decision, isRejection, reject } from './decider.js';
import { creditUnits, isSameCredit } from './order-credit.js';
import type { OrderEvent, OrderUnits } from './order-events.js';
import type { Placed } from './order-fulfilment.js';
import { unitsOf } from './order-lines.js';
import type { ReturnCommand } from './order-return-commands.js';
import { isCounted, otherContent, wrongReturnStatus } from './order-return-content.js';
import { evolveAfterSales, type RequestedUnits, type ReturnRequest } from './order-return-state.js';
import { perLine } from './per-line.js';
import { INSPECTION_OUTCOMES, type InspectionOutcome, type OrderReturnInspected } from './return-events.js';

/** The units of a return that were accepted, with their shares. Damaged goods go to no stock: its unavailable kinds come later. */
const acceptedOf = (state: Placed, { lines, location }: ReturnRequest): OrderUnits[] =>
  [...lines].flatMap(([lineId, { resaleable, damaged, credited }]) => {
    const line = state.lines.get(lineId);
    if (line === undefined) return [];
    let from = line.returned;
    return [
      { units: resaleable, to: location },
      { units: damaged, to: undefined },
      { units: credited, to: undefined },
    ].flatMap(({ units, to }) => {
      if (units === 0) return [];
      from += units;
      return [unitsOf(state.placed, line, from - units, units, to)];
    });
  });

const countsOf = (units: RequestedUnits, outcome: InspectionOutcome): number => units[outcome];

/** In the order of the request, so that the same inspection is the same fact however it is written. */
const inspectedUnits = (
  request: ReturnRequest,
  named: ReadonlyMap<InspectionOutcome, ReadonlyMap<string, number>>,
  isGoods: (lineId: string) => boolean,
): OrderReturnInspected['data']['lines'] => {
  const goods = [...request.lines.keys()].flatMap((lineId) =>
    INSPECTION_OUTCOMES.flatMap((outcome) => {
      const quantity = named.get(outcome)?.get(lineId) ?? 0;
      return quantity === 0 ? [] : [{ lineId, quantity, outcome }];
    }),
  );
  const accepted = goods.some(({ outcome }) => outcome === 'resaleable' || outcome === 'damaged');
  const along = [...request.lines].flatMap(([lineId, { requested }]) =>
    isGoods(lineId) ? [] : [{ lineId, quantity: requested, outcome: 'credited' as const }],
  );
  return accepted ? [...goods, ...along] : goods;
};

/** The inspection says of every received unit what it is; by its policy the accepted ones are credited in the same append. */
export const decideInspect = (
  { returnId, lines }: ReturnCommand & { type: 'inspect-return' },
  request: ReturnRequest,
  state: Placed,
): Decision<OrderEvent> => {
  const named = new Map(
    INSPECTION_OUTCOMES.map((one) => [one, perLine(lines.filter(({ outcome }) => outcome === one))] as const),
  );
  const isInspected = [...request.lines.values()].some((units) =>
    INSPECTION_OUTCOMES.some((outcome) => countsOf(units, outcome) > 0),
  );
  if (isInspected) {
    const same = INSPECTION_OUTCOMES.every((outcome) =>
      isCounted(named.get(outcome) ?? new Map(), request.lines, (units) => countsOf(units, outcome)),
    );
    return same ? [] : otherContent(returnId, 'inspected');
  }
  if (request.status !== 'received') return wrongReturnStatus(request, 'received');
  const all = perLine(lines);
  const unknown = [...all.keys()].find((lineId) => (request.lines.get(lineId)?.received ?? 0) === 0);
  if (unknown !== undefined) {
    return reject('unknown_line', `no unit of line ${unknown} was received`, { lineId: unknown });
  }
  for (const [lineId, { received }] of request.lines) {
    const inspected = all.get(lineId) ?? 0;
    if (inspected !== received) {
      const details = { lineId, received, inspected };
      return reject('inspection_incomplete', `line ${lineId}: ${inspected} of ${received}`, details);
    }
  }
  const isGoods = (lineId: string): boolean => state.lines.get(lineId)?.kind === 'goods';
  const inspected: OrderReturnInspected = {
    type: 'OrderReturnInspected',
    data: { returnId, lines: inspectedUnits(request, named, isGoods) },
  };
  const after = evolveAfterSales(state.afterSales, inspected).requests.get(returnId) ?? request;
  if (after.status !== 'inspected' || request.authorised?.creditOn !== 'inspection') return [inspected];
  const credit = creditUnits(state, { returnId, reason: request.reason }, acceptedOf(state, after));
  return isRejection(credit) ? credit : [inspected, ...credit];
};

/** Credits what was accepted, for a return whose inspection did not. */
export const decideCredit = (
  { returnId, note, credited }: ReturnCommand & { type: 'credit-return' },
  request: ReturnRequest,
  state: Placed,
): Decision<OrderEvent> => {
  const before = state.afterSales.credits.get(returnId);
  if (before !== undefined) {
    const same = isSameCredit(before, { note, credited }, state.placed.currency);
    return same ? [] : otherContent(returnId, 'credited');
  }
  if (request.status !== 'inspected') return wrongReturnStatus(request, 'inspected');
  const { reason } = request;
  return creditUnits(state, { returnId, reason, note, credited }, acceptedOf(state, request));
};

import { type Rejection, reject } from './decider.js';
import type { RequestedUnits, ReturnRequest } from './order-return-state.js';

/** What makes a step of a return the same as before, or another one under its id. */
export const otherContent = (returnId: string, step: string): Rejection =>
  reject('id_reused', `return ${returnId} was ${step} with other content`, { id: `return:${returnId}` });

export const wrongReturnStatus = ({ status }: ReturnRequest, wanted: string): Rejection =>
  reject('wrong_return_status', `the return is ${status}, not ${wanted}`, { status });

/** Whether these units are those that the request counts, line by line; lines that it counts none of need no naming. */
export const isCounted = (
  named: ReadonlyMap<string, number>,
  lines: ReturnRequest['lines'],
  count: (units: RequestedUnits) => number,
): boolean =>
  [...named.keys()].every((lineId) => lines.has(lineId)) &&
  [...lines].every(([lineId, units]) => count(units) === (named.get(lineId) ?? 0));

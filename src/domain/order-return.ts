import { type Decision, isRejection, reject } from './decider.js';
import type { OrderEvent } from './order-events.js';
import type { Placed } from './order-fulfilment.js';
import { decideCredit, decideInspect } from './order-inspection.js';
import { resolve } from './order-lines.js';
import type { ReturnCommand } from './order-return-commands.js';
import { isCounted, otherContent, wrongReturnStatus } from './order-return-content.js';
import { type ReturnRequest, returnableUnits } from './order-return-state.js';
import { perLine } from './per-line.js';
import { RETURN_REQUESTS_MAX } from './return-events.js';

type Of<Type extends ReturnCommand['type']> = ReturnCommand & { type: Type };

const decideRequest = (
  { returnId, reason, lines }: Of<'request-return'>,
  state: Placed,
): Decision<OrderEvent> => {
  const before = state.afterSales.requests.get(returnId);
  if (before !== undefined) {
    const same = before.reason === reason && isCounted(perLine(lines), before.lines, (one) => one.requested);
    return same ? [] : otherContent(returnId, 'requested');
  }
  if (state.decided.has(`return:${returnId}`)) return otherContent(returnId, 'recorded');
  if (state.afterSales.requests.size >= RETURN_REQUESTS_MAX) {
    return reject('too_many_returns', `an order has at most ${RETURN_REQUESTS_MAX} requests for returns`);
  }
  const found = resolve(
    state,
    lines,
    (line) => returnableUnits(state.afterSales, line),
    'exceeds_shipped_quantity',
  );
  if (isRejection(found)) return found;
  if (!found.some(({ line }) => line.kind === 'goods')) {
    return reject('nothing_open', 'a request names goods; charges alone are returned without one');
  }
  const units = found.map(({ line: { lineId, sku }, quantity }) => ({ lineId, sku, quantity }));
  return [{ type: 'OrderReturnRequested', data: { returnId, reason, lines: units } }];
};

const decideAuthorise = (
  { returnId, note, creditOn = 'inspection' }: Of<'authorise-return'>,
  request: ReturnRequest,
): Decision<OrderEvent> => {
  const { authorised } = request;
  if (authorised !== undefined) {
    const same = authorised.note === note && authorised.creditOn === creditOn;
    return same ? [] : otherContent(returnId, 'authorised');
  }
  if (request.status !== 'requested') return wrongReturnStatus(request, 'requested');
  const data = { returnId, ...(note === undefined ? {} : { note }), creditOn };
  return [{ type: 'OrderReturnAuthorised', data }];
};

const decideRefuse = (
  { returnId, reason }: Of<'refuse-return'>,
  request: ReturnRequest,
): Decision<OrderEvent> => {
  if (request.refusal !== undefined)
    return request.refusal === reason ? [] : otherContent(returnId, 'refused');
  const isOpen = request.status !== 'credited' && request.status !== 'closed';
  if (!isOpen) return wrongReturnStatus(request, 'open');
  return [{ type: 'OrderReturnRefused', data: { returnId, reason } }];
};

const decideReceive = (
  { returnId, location, lines }: Of<'receive-return'>,
  request: ReturnRequest,
  state: Placed,
): Decision<OrderEvent> => {
  const goods = lines.filter(({ lineId }) => (state.lines.get(lineId)?.kind ?? 'goods') === 'goods');
  if (request.location !== undefined) {
    const same =
      request.location === location && isCounted(perLine(goods), request.lines, (one) => one.received);
    return same ? [] : otherContent(returnId, 'received');
  }
  if (request.status !== 'authorised') return wrongReturnStatus(request, 'authorised');
  const found = resolve(
    state,
    goods,
    ({ lineId }) => request.lines.get(lineId)?.requested ?? 0,
    'exceeds_requested_quantity',
  );
  if (isRejection(found)) return found;
  if (found.length === 0) return reject('nothing_open', 'a receipt names goods of the return');
  const units = found.map(({ line: { lineId }, quantity }) => ({ lineId, quantity }));
  return [{ type: 'OrderReturnReceived', data: { returnId, location, lines: units } }];
};

/** A return by request, step by step. Each step once: again it is nothing, with other content `id_reused`. */
export const decideReturnStep = (
  command: Exclude<ReturnCommand, { type: 'grant-allowance' }>,
  state: Placed,
): Decision<OrderEvent> => {
  if (command.type === 'request-return') return decideRequest(command, state);
  const request = state.afterSales.requests.get(command.returnId);
  if (request === undefined) return reject('unknown_return', `the order has no return ${command.returnId}`);
  switch (command.type) {
    case 'authorise-return':
      return decideAuthorise(command, request);
    case 'refuse-return':
      return decideRefuse(command, request);
    case 'receive-return':
      return decideReceive(command, request, state);
    case 'inspect-return':
      return decideInspect(command, request, state);
    case 'credit-return':
      return decideCredit(command, request, state);
  }
};

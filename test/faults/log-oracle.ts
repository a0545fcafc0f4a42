import { createHash } from 'node:crypto';
import type { EventStore, StoredEvent } from '../../src/runtime/event-store.js';
import { hasUnknownAttempt, type Recorded, type Violation } from './history.js';

/**
 * What the log must say, judged from its raw events and the history of the clients alone: no code of the house is used, not
 * even its codec. (Tables, ledger and money are the audit's, which has a fold of its own too.)
 */
const CATEGORIES = ['system', 'channel', 'location', 'stock', 'coupon', 'order', 'return', 'settlement'];

type Data = Readonly<Record<string, unknown>>;
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const count = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN);
const rows = (value: unknown): readonly Data[] => (Array.isArray(value) ? (value as Data[]) : []);
const dataOf = (event: StoredEvent): Data => event.data as Data;

export const readLog = async (store: EventStore): Promise<StoredEvent[]> => {
  const log: StoredEvent[] = [];
  for await (const { events } of store.readAll({ categories: CATEGORIES })) log.push(...events);
  return log;
};

/** What has been read once must be read again, the same, for ever. */
export class Remembered {
  #events = 0;
  #hash = '';

  check(log: readonly StoredEvent[]): Violation[] {
    const lost = log.length < this.#events || hashOf(log.slice(0, this.#events)) !== this.#hash;
    const violation = {
      code: 'log_changed',
      detail: `the first ${this.#events} events are not what they were`,
    };
    const found = this.#events > 0 && lost ? [violation] : [];
    this.#events = log.length;
    this.#hash = hashOf(log);
    return found;
  }
}

const hashOf = (log: readonly StoredEvent[]): string => {
  const hash = createHash('sha256');
  for (const { id, stream, revision, position } of log)
    hash.update(`${id} ${stream} ${revision} ${position.commit}\n`);
  return hash.digest('hex');
};

const BUSINESS_IDS = [
  ['StockReceived', 'receiptId'],
  ['StockReturned', 'returnId'],
  ['StockAdjusted', 'adjustmentId'],
  ['OrderShipped', 'shipmentId'],
  ['OrderReturned', 'returnId'],
  ['OrderLinesCancelled', 'cancellationId'],
  ['EntryPosted', 'entryId'],
] as const;
const ID_FIELD = new Map<string, string>(BUSINESS_IDS);
/** Of these a stream has one. */
const ONCE = new Set([
  'LogCreated',
  'CouponIssued',
  'OrderPlaced',
  'OrderReserved',
  'OrderConfirmed',
  'OrderRejected',
  'OrderExpired',
  'OrderCompleted',
]);

const businessIdOf = (event: StoredEvent): string | undefined => {
  const field = ID_FIELD.get(event.type);
  if (field !== undefined) return text(dataOf(event)[field]);
  return ONCE.has(event.type) ? '' : undefined;
};

const factOf = (stream: string, type: string, id: string): string => `${stream} ${type} ${id}`;

/** Each stream without a gap, each fact once, each command with a key in one place. */
export const checkOnce = (log: readonly StoredEvent[]): Violation[] => {
  const found: Violation[] = [];
  const revisions = new Map<string, number>();
  const ids = new Set<string>();
  const facts = new Set<string>();
  const commands = new Map<string, { stream: string; revision: number }>();
  let position = -1n;
  for (const event of log) {
    const { id, stream, revision, type, metadata } = event;
    if (event.position.commit < position)
      found.push({ code: 'log_disordered', detail: `${stream}@${revision}` });
    position = event.position.commit;
    const expected = (revisions.get(stream) ?? -1) + 1;
    if (revision !== expected)
      found.push({ code: 'stream_gap', detail: `${stream}@${revision}, not @${expected}` });
    revisions.set(stream, revision);
    if (ids.has(id)) found.push({ code: 'event_twice', detail: `${stream}@${revision} ${id}` });
    ids.add(id);
    const businessId = businessIdOf(event);
    if (businessId !== undefined) {
      const fact = factOf(stream, type, businessId);
      if (facts.has(fact)) found.push({ code: 'applied_twice', detail: `${fact} again @${revision}` });
      facts.add(fact);
    }
    if (typeof metadata.requestHash === 'string') {
      const command = text(metadata.commandId);
      const known = commands.get(command);
      if (known !== undefined && (known.stream !== stream || known.revision + 1 !== revision)) {
        found.push({
          code: 'command_twice',
          detail: `${command} at ${stream}@${revision} and ${known.stream}@${known.revision}`,
        });
      }
      commands.set(command, { stream, revision });
    }
  }
  return found;
};

/** Refusals that a client of this load may get; any other is a promise broken or a question misunderstood. */
const REFUSALS: Readonly<Record<string, readonly string[]>> = {
  adjust: ['insufficient_on_hand', 'below_held'],
  confirm: ['wrong_status'],
  cancel: ['wrong_status', 'nothing_open'],
  ship: ['wrong_status', 'nothing_open'],
};

const OUTCOME_EVENT: Readonly<Record<string, string>> = {
  reserved: 'OrderReserved',
  confirmed: 'OrderConfirmed',
  rejected: 'OrderRejected',
  expired: 'OrderExpired',
  completed: 'OrderCompleted',
  cancelled: 'OrderLinesCancelled',
};

/** What was acknowledged is there, and was by then; what was refused is not; what was asked was answered. */
export const checkAnswers = (log: readonly StoredEvent[], commands: readonly Recorded[]): Violation[] => {
  const found: Violation[] = [];
  const facts = new Map<string, StoredEvent>();
  const types = new Set<string>();
  for (const event of log) {
    types.add(`${event.stream} ${event.type}`);
    const businessId = businessIdOf(event);
    if (businessId !== undefined) facts.set(factOf(event.stream, event.type, businessId), event);
  }
  const end = log.at(-1)?.position.commit ?? 0n;
  for (const command of commands) {
    if (command.kind === 'setup') continue;
    const { stream, eventType, businessId, answer, kind } = command;
    const fact = factOf(stream, eventType, businessId);
    const event = facts.get(fact);
    if (answer === undefined) {
      const last = command.attempts.at(-1);
      found.push({
        code: 'unanswered',
        detail: `${fact}: ${command.attempts.length} attempts, last ${last?.status ?? last?.error} ${last?.code ?? ''}`,
      });
      continue;
    }
    if (answer.status >= 300) {
      const code = text(answer.body.code);
      if (REFUSALS[kind]?.includes(code) !== true) {
        found.push({
          code: 'wrong_refusal',
          detail: `${fact}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`,
        });
      }
      if (event !== undefined && !hasUnknownAttempt(command) && !hasTwin(command, commands)) {
        found.push({ code: 'refused_but_done', detail: `${fact}: ${code}` });
      }
      continue;
    }
    if (event === undefined) {
      found.push({ code: 'acknowledged_lost', detail: `${fact} at ${answer.position}` });
      continue;
    }
    const position = BigInt(answer.position?.split('-')[0] ?? '-1');
    if (position < event.position.commit || position > end) {
      found.push({
        code: 'wrong_position',
        detail: `${fact}: answered ${position}, is at ${event.position.commit}`,
      });
    }
    if (command.body.quantity !== undefined && command.body.quantity !== dataOf(event).quantity) {
      found.push({ code: 'acknowledged_other', detail: `${fact}: ${JSON.stringify(event.data)}` });
    }
    const outcome = kind === 'place' ? OUTCOME_EVENT[text(answer.body.status)] : undefined;
    if (outcome !== undefined && !types.has(`${stream} ${outcome}`)) {
      found.push({ code: 'acknowledged_lost', detail: `${fact}: answered ${text(answer.body.status)}` });
    }
  }
  return found;
};

/** The same command sent by two at once. */
const hasTwin = (command: Recorded, commands: readonly Recorded[]): boolean =>
  commands.some((one) => one !== command && one.key === command.key && one.path === command.path);

interface Held {
  held: number;
  captured: number;
  released: number;
}

interface OrderFold {
  status: string;
  confirmed: boolean;
  coupons: string[];
  /** By line. */
  readonly lines: Map<
    string,
    { sku: string; kind: string; quantity: number; shipped: number; cancelled: number }
  >;
  /** By SKU. */
  readonly at: Map<string, string>;
  /** Units that shall be back, by stock and return. */
  readonly back: Map<string, number>;
}

export interface Unsettled {
  readonly what: string;
}

/**
 * Stock, coupons and orders folded together. `violations` can never be; `unsettled` must go away by itself: an order without an
 * outcome, a hold, capture or return that does not yet follow its order, a shipment or return without its ledger entry.
 */
export const foldShop = (log: readonly StoredEvent[]): { violations: Violation[]; unsettled: string[] } => {
  const violations: Violation[] = [];
  const unsettled: string[] = [];
  const onHand = new Map<string, number>();
  const heldAt = new Map<string, number>();
  /** By resource stream, then order. */
  const holds = new Map<string, Map<string, Held>>();
  const restocked = new Map<string, number>();
  const limits = new Map<string, number>();
  const used = new Map<string, number>();
  const orders = new Map<string, OrderFold>();
  const causes = new Set<string>();
  const posted = new Set<string>();
  const add = (map: Map<string, number>, key: string, delta: number): number => {
    const value = (map.get(key) ?? 0) + delta;
    map.set(key, value);
    return value;
  };
  const holdOf = (stream: string, owner: string): Held => {
    const ofStream = holds.get(stream) ?? new Map<string, Held>();
    holds.set(stream, ofStream);
    const hold = ofStream.get(owner) ?? { held: 0, captured: 0, released: 0 };
    ofStream.set(owner, hold);
    return hold;
  };
  for (const event of log) {
    const { stream, type, revision } = event;
    const data = dataOf(event);
    const units = count(data.quantity);
    const owner = text(data.holdId);
    const wrong = (code: string, detail = ''): void => {
      violations.push({ code, detail: `${stream}@${revision} ${type} ${detail}` });
    };
    const order = orders.get(stream);
    switch (type) {
      case 'StockReceived':
        add(onHand, stream, units);
        break;
      case 'StockAdjusted':
        if (add(onHand, stream, count(data.delta)) < (heldAt.get(stream) ?? 0)) wrong('below_held');
        break;
      case 'StockReturned':
        add(onHand, stream, units);
        add(restocked, `${stream} ${text(data.returnId)}`, units);
        break;
      case 'StockHeld': {
        const hold = holdOf(stream, owner);
        if (hold.held > 0) wrong('hold_reused', owner);
        hold.held += units;
        if (add(heldAt, stream, units) > (onHand.get(stream) ?? 0)) wrong('oversold');
        break;
      }
      case 'StockCaptured':
      case 'StockReleased': {
        const hold = holdOf(stream, owner);
        hold[type === 'StockCaptured' ? 'captured' : 'released'] += units;
        if (hold.captured + hold.released > hold.held) wrong('hold_overdrawn', owner);
        add(heldAt, stream, -units);
        if (type === 'StockCaptured' && add(onHand, stream, -units) < 0) wrong('negative_stock');
        break;
      }
      case 'CouponIssued':
        limits.set(stream, count(data.limit));
        break;
      case 'CouponHeld':
        holdOf(stream, owner).held += units;
        if (add(used, stream, units) > (limits.get(stream) ?? 0)) wrong('coupon_overused');
        break;
      case 'CouponRedeemed':
        holdOf(stream, owner).captured += units;
        break;
      case 'CouponReleased':
        holdOf(stream, owner).released += units;
        add(used, stream, -units);
        break;
      case 'CouponGivenBack':
        add(used, stream, -units);
        break;
      case 'OrderPlaced':
        orders.set(stream, {
          status: 'placed',
          confirmed: false,
          coupons: (data.coupons as string[]) ?? [],
          lines: new Map(
            rows(data.lines).map((line) => [
              text(line.lineId),
              {
                sku: text(line.sku),
                kind: text(line.kind),
                quantity: count(line.quantity),
                shipped: 0,
                cancelled: 0,
              },
            ]),
          ),
          at: new Map(),
          back: new Map(),
        });
        break;
      case 'EntryPosted':
        posted.add(text((data.cause as Data | undefined)?.id));
        break;
      default:
        if (order !== undefined) foldOrder(order, event, wrong, causes);
    }
  }
  for (const [stream, order] of orders) checkOrder(stream, order);
  // Holds of nobody: an order that is not there.
  for (const [stream, owners] of holds) {
    for (const [owner, hold] of owners) {
      if (!orders.has(`order-${owner}`))
        unsettled.push(`${stream}: a hold of ${owner}, which is no order (${hold.held})`);
    }
  }
  for (const id of causes) if (!posted.has(id)) unsettled.push(`no ledger entry for event ${id}`);
  return { violations, unsettled };

  function checkOrder(stream: string, order: OrderFold): void {
    const id = stream.slice('order-'.length);
    if (order.status === 'placed') unsettled.push(`${stream} has no outcome`);
    if (order.status === 'reserved') unsettled.push(`${stream} is reserved and not yet expired`);
    const over = order.status === 'rejected' || order.status === 'expired';
    const bySku = new Map<string, { shipped: number; cancelled: number; quantity: number }>();
    for (const { sku, kind, shipped, cancelled, quantity } of order.lines.values()) {
      if (kind !== 'goods') continue;
      const sum = bySku.get(sku) ?? { shipped: 0, cancelled: 0, quantity: 0 };
      bySku.set(sku, {
        shipped: sum.shipped + shipped,
        cancelled: sum.cancelled + cancelled,
        quantity: sum.quantity + quantity,
      });
    }
    for (const [stockStream, owners] of holds) {
      const hold = owners.get(id);
      if (hold === undefined) continue;
      if (stockStream.startsWith('coupon-')) {
        const redeems = order.confirmed && order.coupons.includes(stockStream.slice('coupon-'.length));
        if (hold.captured !== (redeems ? 1 : 0) || (!redeems && hold.released !== hold.held)) {
          unsettled.push(
            `${stockStream} does not follow ${stream} (${order.status}): ${JSON.stringify(hold)}`,
          );
        }
        continue;
      }
      const [location = '', sku = ''] = stockStream.slice('stock-'.length).split('~');
      const wanted = order.at.get(sku) === location ? bySku.get(sku) : undefined;
      const captured = wanted?.shipped ?? 0;
      const released = over || wanted === undefined ? hold.held - captured : wanted.cancelled;
      if (hold.captured !== captured || hold.released !== released) {
        unsettled.push(`${stockStream} does not follow ${stream} (${order.status}): ${JSON.stringify(hold)}`);
      }
    }
    for (const [sku, location] of order.at) {
      if (holds.get(`stock-${location}~${sku}`)?.has(id) !== true) {
        violations.push({ code: 'reserved_without_hold', detail: `${stream} at ${location}~${sku}` });
      }
    }
    for (const [key, units] of order.back) {
      if (restocked.get(key) !== units)
        unsettled.push(`${key}: ${restocked.get(key) ?? 0} of ${units} are back`);
    }
  }
};

const foldOrder = (
  order: OrderFold,
  event: StoredEvent,
  wrong: (code: string, detail?: string) => void,
  causes: Set<string>,
): void => {
  const data = dataOf(event);
  if (['rejected', 'expired', 'cancelled'].includes(order.status)) wrong('event_after_end');
  switch (event.type) {
    case 'OrderReserved':
      if (order.status !== 'placed') wrong('wrong_order', order.status);
      order.status = 'reserved';
      for (const { sku, location } of rows(data.allocations)) order.at.set(text(sku), text(location));
      break;
    case 'OrderConfirmed':
      if (order.status !== 'reserved') wrong('wrong_order', order.status);
      order.status = 'confirmed';
      order.confirmed = true;
      break;
    case 'OrderRejected':
      order.status = 'rejected';
      break;
    case 'OrderExpired':
      if (order.status !== 'reserved') wrong('wrong_order', order.status);
      order.status = 'expired';
      break;
    case 'OrderCompleted':
      order.status = 'completed';
      break;
    case 'OrderLinesCancelled':
    case 'OrderShipped': {
      const counter = event.type === 'OrderShipped' ? 'shipped' : 'cancelled';
      for (const { lineId, quantity } of rows(data.lines)) {
        const line = order.lines.get(text(lineId));
        if (line === undefined) wrong('unknown_line', text(lineId));
        else line[counter] += count(quantity);
        if (line !== undefined && line.shipped + line.cancelled > line.quantity) wrong('more_than_ordered');
      }
      if (event.type === 'OrderShipped') causes.add(event.id);
      else if ([...order.lines.values()].every((line) => line.cancelled === line.quantity))
        order.status = 'cancelled';
      break;
    }
    case 'OrderReturned': {
      causes.add(event.id);
      const id = `${event.stream.slice('order-'.length)}/${text(data.returnId)}`;
      for (const { sku, location, quantity } of rows(data.lines)) {
        if (location === undefined) continue;
        const key = `stock-${text(location)}~${text(sku)} ${id}`;
        order.back.set(key, (order.back.get(key) ?? 0) + count(quantity));
      }
      break;
    }
    default:
  }
};

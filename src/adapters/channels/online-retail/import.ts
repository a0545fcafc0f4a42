// Writes a plan through the real commands. Each is known by a business id (order, shipment, return, line of a note, receipt,
// adjustment), so that a plan may be run again from its start, after a kill at any moment, and comes to the same end.
//
//   channel and location -> opening receipts -> the plan's items, begun in its order, many at a time
//
// Invariants: what the plan asks of one order is asked in the plan's order, each after the answer to the one before (units
// carry fixed shares, so that the sequence of an order's returns decides what each of them is worth). All else may overtake
// and the end does not depend on it, because opening stock covers whatever ever leaves. Limits: see dispatcher.ts.

import { channel } from '../../../domain/channel.js';
import type { Rejection } from '../../../domain/decider.js';
import { location } from '../../../domain/location.js';
import { QUANTITY_MAX } from '../../../domain/schemas.js';
import { stock } from '../../../domain/stock.js';
import { orderIdOf, stockIdOf } from '../../../domain/stream-id.js';
import type { CommandContext } from '../../../runtime/command-bus.js';
import { Dispatcher, type Outcome, type Piece } from './dispatcher.js';
import { createFinished } from './finished.js';
import type { ImportOptions, ImportProgress, ImportReport } from './import-types.js';
import type { PlanItem, PlannedCredit, PlannedOrder } from './plan-types.js';
import { CURRENCY, TIME_ZONE } from './row.js';
import {
  badDebtAdjustment,
  blindReturnLine,
  CHANNEL,
  LOCATION,
  placeCommand,
  returnCommands,
} from './to-commands.js';

/** The year, 2 cores: 512 takes a tenth more time than 1,024 and 170 MiB less memory. */
export const IN_FLIGHT_DEFAULT = 512;
/** When a run is resumed, an opening receipt reads its whole stream first: more at once only wait for each other. */
const OPENING_WEIGHT = 128;
const ACTOR = 'import';
const CHANNEL_SETTINGS = {
  name: 'Online Retail',
  timeZone: TIME_ZONE,
  currencies: [CURRENCY],
  sources: [LOCATION],
  confirm: 'auto',
} as const;

/**
 * Runs a plan to its end and says what of it was refused. Throws the signal's reason when that aborts, and what the bus threw
 * when it went on for RETRY_WINDOW_MS; what was written by then stays, and the next run goes on from there.
 */
export async function importOnlineRetail(options: ImportOptions): Promise<ImportReport> {
  const { plan, signal, onProgress } = options;
  const inFlight = options.inFlight ?? IN_FLIGHT_DEFAULT;
  const counts = { orders: 0, skipped: 0 };
  const total = plan.opening.length + plan.items.length + 1;
  const progress = (): ImportProgress => ({
    ...counts,
    done: dispatcher.done,
    total,
    refused: dispatcher.refusals.length,
  });
  const dispatcher = new Dispatcher(inFlight, signal, () => onProgress?.(progress()));
  const steps = createSteps(options, inFlight * 2, counts);

  if (plan.startsAt !== undefined) {
    const { instant } = plan.startsAt;
    const own = { row: 0, weight: OPENING_WEIGHT, keys: [] };
    await dispatcher.start({ ...own, type: 'setup', id: CHANNEL, run: () => steps.setUp(instant) });
    await dispatcher.drained();
    for (const { sku, quantity } of plan.opening) {
      const run = () => steps.open(sku, quantity, instant);
      await dispatcher.start({ ...own, type: 'opening', id: sku, run });
    }
    await dispatcher.drained();
    for (const item of plan.items) await dispatcher.start(pieceOf(item, steps));
    await dispatcher.drained();
  }
  return {
    ...progress(),
    refusals: dispatcher.refusals.sort((a, b) => a.row - b.row),
    resumed: steps.resumed(),
    retries: dispatcher.retries,
  };
}

type Steps = ReturnType<typeof createSteps>;

function pieceOf(item: PlanItem, steps: Steps): Piece {
  const { row, type } = item;
  if (item.type === 'order') {
    const { externalId, lines } = item;
    const run = () => steps.order(item);
    return { row, type, id: externalId, weight: lines.length, keys: [externalId], run };
  }
  const keys = item.type === 'credit' ? item.dependsOn : [];
  return { row, type, id: item.id, weight: 1, keys, run: () => steps.other(item) };
}

/** The commands of each thing in a plan. All may be run again at any time. */
function createSteps(
  { bus, orders, returns, ledger }: ImportOptions,
  unknownOrdersMax: number,
  counts: { orders: number; skipped: number },
) {
  const finished = createFinished(bus);
  let resumed = false;
  /** Orders in a row that the log did not know; after enough of them no earlier run came this far. */
  let unknownOrders = 0;

  const contextOf = (id: string, effectiveAt: string): CommandContext => ({
    commandId: id,
    correlationId: id,
    actor: ACTOR,
    channel: CHANNEL,
    effectiveAt,
  });

  const refusalOf = (answer: { status: string; rejection?: Rejection }): Outcome => answer.rejection;

  const setUp = async (at: string): Promise<Outcome> => {
    const context = contextOf('setup', at);
    const place = await bus.execute(
      location,
      LOCATION,
      { type: 'configure', settings: { name: 'Main' } },
      context,
    );
    const settings = {
      ...CHANNEL_SETTINGS,
      currencies: [...CHANNEL_SETTINGS.currencies],
      sources: [...CHANNEL_SETTINGS.sources],
    };
    const configured = await bus.execute(channel, CHANNEL, { type: 'configure', settings }, context);
    resumed = configured.revision > 0 || (configured.status === 'accepted' && configured.events.length === 0);
    return refusalOf(place) ?? refusalOf(configured);
  };

  /**
   * Brings what opening receipts have put there to `quantity`. A receipt is named after the sum it leads to, so that a plan of
   * more rows adds what is missing and the same plan nothing.
   */
  const open = async (sku: string, quantity: number, at: string): Promise<Outcome> => {
    const id = stockIdOf(LOCATION, sku);
    let reached = 0;
    if (resumed) {
      const { state } = await bus.load(stock, id);
      for (const [key, units] of state.applied) if (key.startsWith('receipt:opening-')) reached += units;
    }
    while (reached < quantity) {
      const units = Math.min(QUANTITY_MAX, quantity - reached);
      reached += units;
      const receipt = { type: 'receive', receiptId: `opening-${reached}`, quantity: units } as const;
      const command = { ...receipt, reason: 'opening stock' };
      const result = await bus.execute(stock, id, command, contextOf(`opening ${sku}`, at));
      if (result.status === 'rejected') return result.rejection;
    }
    return undefined;
  };

  const isFinished = async (orderId: string, contentHash: string, shipmentId: string): Promise<boolean> => {
    if (!resumed || unknownOrders >= unknownOrdersMax) return false;
    const { known, finished: done } = await finished.order(orderId, contentHash, shipmentId);
    unknownOrders = known ? 0 : unknownOrders + 1;
    return done;
  };

  const runOrder = async (planned: PlannedOrder): Promise<Outcome> => {
    const orderId = orderIdOf(CHANNEL, planned.externalId);
    const place = placeCommand(planned);
    const shipmentId = planned.externalId;
    if (await isFinished(orderId, place.contentHash, shipmentId)) {
      counts.orders += 1;
      counts.skipped += 1;
      return undefined;
    }
    const context = contextOf(orderId, planned.instant);
    const placed = await orders.execute(orderId, place, context);
    if (placed.status === 'rejected') return placed.rejection;
    const { rejection } = placed.state;
    if (rejection !== undefined) return { code: rejection.code, message: rejection.detail };
    const shipped = await orders.execute(orderId, { type: 'ship', shipmentId }, context);
    if (shipped.status === 'rejected') return shipped.rejection;
    counts.orders += 1;
    return undefined;
  };

  const runCredit = async (credit: PlannedCredit): Promise<Outcome> => {
    const context = contextOf(credit.id, credit.instant);
    if (credit.disposition !== 'matched')
      return refusalOf(await returns.record(blindReturnLine(credit), context));
    const outcomes = await Promise.all(
      returnCommands(credit).map(async ({ externalId, command }) => {
        const orderId = orderIdOf(CHANNEL, externalId);
        if (resumed && (await finished.orderReturn(orderId, credit.id))) return undefined;
        return refusalOf(await orders.execute(orderId, command, context));
      }),
    );
    return outcomes.find((outcome) => outcome !== undefined);
  };

  const runOther = async (item: Exclude<PlanItem, PlannedOrder>): Promise<Outcome> => {
    if (item.type === 'credit') return runCredit(item);
    const context = contextOf(item.id, item.instant);
    if (item.type === 'bad_debt') {
      return refusalOf(await ledger.adjustReceivable(badDebtAdjustment(item), context));
    }
    const { id, sku, delta, reason } = item;
    const adjust = { type: 'adjust', adjustmentId: id, delta, reason } as const;
    return refusalOf(await bus.execute(stock, stockIdOf(LOCATION, sku), adjust, context));
  };

  return { setUp, open, order: runOrder, other: runOther, resumed: () => resumed };
}

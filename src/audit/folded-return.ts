import type { OrderReturned } from '../domain/order-events.js';

/** Units of a line, as the steps of its return counted them. `accepted`: resaleable, damaged, or credited along. */
export interface FoldedReturnLine {
  readonly lineId: string;
  readonly sku: string;
  readonly requested: number;
  received: number;
  accepted: number;
  damaged: number;
  missing: number;
  refused: number;
}

export interface FoldedReturn {
  readonly orderId: string;
  readonly returnId: string;
  readonly reason: string;
  readonly lines: Map<string, FoldedReturnLine>;
  readonly by: string;
  readonly openedAt: string;
  state: string;
  instructions: string | undefined;
  refusal: string | undefined;
  location: string | undefined;
  credit: OrderReturned['data'] | undefined;
  /** Minor units. */
  credited: bigint;
  authorisedAt: string | undefined;
  receivedAt: string | undefined;
  inspectedAt: string | undefined;
  creditedAt: string | undefined;
  refusedAt: string | undefined;
  position: bigint;
}

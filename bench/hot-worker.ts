/** One of the processes that reserve one SKU. */
import { sellOut } from './hot.js';
import { answerMessages, withStore } from './support.js';

export interface HotWorkerOrder {
  readonly connectionString: string;
  readonly sku: string;
}

answerMessages(({ connectionString, sku }: HotWorkerOrder) =>
  withStore(connectionString, '', (store) => sellOut(store, sku)),
);

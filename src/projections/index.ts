import type { Projection } from '../runtime/projection.js';
import { channels } from './channels.js';
import { coupons } from './coupons.js';
import { deadlines } from './deadlines.js';
import { holds } from './holds.js';
import { ledger } from './ledger.js';
import { locations } from './locations.js';
import { orderLines } from './order-lines.js';
import { orders } from './orders.js';
import { stockLevels } from './stock-levels.js';
import { stockMovements } from './stock-movements.js';

/** Every live read model. All get the same batches in one transaction; none reads another's tables while it applies. */
export const allProjections: readonly Projection[] = [
  channels,
  locations,
  stockLevels,
  stockMovements,
  coupons,
  orders,
  orderLines,
  holds,
  deadlines,
  ledger,
];

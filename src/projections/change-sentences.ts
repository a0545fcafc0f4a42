import type { ChangeAction, ChangeEvent } from '../domain/order-change-events.js';
import type { OrderState } from '../domain/order-state.js';
import { because, lackingText, listed, partsOf } from './sentence-words.js';

const asked = (action: ChangeAction, before: OrderState): string => {
  switch (action.kind) {
    case 'reduce':
      return `${partsOf(before)(action)} less`;
    case 'add':
      return `${action.line.quantity} ${action.line.sku} more at ${action.line.unitPrice}`;
    case 'reprice':
      return `${before.lines.get(action.lineId)?.sku ?? `line ${action.lineId}`} at ${action.unitPrice}${because(action.reason)}`;
    case 'address':
      return `another address in ${action.destination.country}`;
  }
};

const confirmed = ({ data }: ChangeEvent & { type: 'OrderChangeConfirmed' }, before: OrderState): string => {
  const { changeId, version, cancelled, added, destination, difference, currency, lacking } = data;
  const parts = [
    ...cancelled.map((one) => `${partsOf(before)(one)} off`),
    ...added.map(({ quantity, sku, unitPrice }) => `${quantity} ${sku} at ${unitPrice} on`),
    ...(destination === undefined ? [] : [`to an address in ${destination.country}`]),
  ];
  const less = difference.startsWith('-');
  const money = `${less ? difference.slice(1) : difference} ${currency} ${less ? 'less' : 'more'}`;
  return `change ${changeId} confirmed, version ${version}: ${listed(parts)}, ${money}${lackingText(lacking)}`;
};

/** Of changes of an order. */
export const changeSentence = (event: ChangeEvent, before: OrderState): string => {
  switch (event.type) {
    case 'OrderChangeProposed': {
      const { changeId, actions, reason } = event.data;
      return `change ${changeId} proposed (${listed(actions.map((one) => asked(one, before)))})${because(reason)}`;
    }
    case 'OrderChangeConfirmed':
      return confirmed(event, before);
    case 'OrderChangeDeclined':
      return `change ${event.data.changeId} declined${because(event.data.reason)}`;
  }
};

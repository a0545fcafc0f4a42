import type { ExchangeEvent } from '../domain/exchange-events.js';
import type { OrderState } from '../domain/order-state.js';
import type { ReturnEvent } from '../domain/return-events.js';
import { because, listed, partsOf } from './sentence-words.js';

/** Of what is asked back and given back after goods were shipped. */
export const afterSalesSentence = (event: ReturnEvent | ExchangeEvent, before: OrderState): string => {
  const part = partsOf(before);
  switch (event.type) {
    case 'OrderReturnRequested': {
      const { returnId, lines, reason } = event.data;
      return `return ${returnId} of ${listed(lines.map(part))} requested${because(reason)}`;
    }
    case 'OrderReturnAuthorised': {
      const { returnId, note = '', creditOn } = event.data;
      const when = creditOn === 'inspection' ? 'with its inspection' : 'when somebody says so';
      return `return ${returnId} authorised, credited ${when}${because(note)}`;
    }
    case 'OrderReturnRefused':
      return `return ${event.data.returnId} refused${because(event.data.reason)}`;
    case 'OrderReturnReceived': {
      const { returnId, lines, location } = event.data;
      return `return ${returnId} received in ${location}: ${listed(lines.map(part))}`;
    }
    case 'OrderReturnInspected': {
      const { returnId, lines } = event.data;
      return `return ${returnId} inspected: ${listed(lines.map((one) => `${part(one)} ${one.outcome}`))}`;
    }
    case 'OrderAllowanceGranted': {
      const { allowanceId, amount, currency, lineId, reason } = event.data;
      const on = lineId === undefined ? '' : ` on ${before.lines.get(lineId)?.sku ?? `line ${lineId}`}`;
      return `${amount} ${currency} given back${on} without a return, as ${allowanceId}${because(reason)}`;
    }
    case 'OrderExchangeAgreed': {
      const { exchangeId, returnId, newOrderId, credit, currency } = event.data;
      return `exchange ${exchangeId}: the ${credit} ${currency} of return ${returnId} are carried to order ${newOrderId}`;
    }
    case 'OrderExchangeSettled': {
      const { exchangeId, charged, carried, toPay, toGiveBack, currency } = event.data;
      const rest = Number(toPay) > 0 ? `${toPay} to pay` : `${toGiveBack} to give back`;
      return `exchange ${exchangeId} settled: ${carried} of ${charged} ${currency} carried, ${rest}`;
    }
    case 'OrderExchangeEnded': {
      const { exchangeId, owed, currency, code, detail } = event.data;
      return `exchange ${exchangeId} ended (${code}), ${owed} ${currency} owed in money again${because(detail)}`;
    }
  }
};

import { channel } from '../domain/channel.js';
import { type OrderCommand, order } from '../domain/order.js';
import type { OrderState } from '../domain/order-state.js';
import type { CommandBus, CommandContext } from '../runtime/command-bus.js';
import type { OrderAnswer, OrderProcess } from './order-process.js';
import type { PaymentProvider, ProviderAnswer } from './payment-provider.js';
import { type PaymentStep, refundsWanted, stepsLeft } from './payment-steps.js';

/**
 * The process of an order's payments: what is asked of a provider is first a fact of the order, then the provider is called with an id made from
 * it, then its answer is a fact. No memory of its own: whatever dies, wherever, `advance` reads the stream and calls again, and the
 * provider does it once. Throws what the command bus throws; trouble with a provider is told and tried again later.
 */
export interface PaymentProcess {
  /** Runs one command about payments and what follows from it: its answer says how far that came. */
  execute(orderId: string, command: OrderCommand, context: CommandContext): Promise<OrderAnswer>;
  /** Asks again for what was asked for and not answered, and for what is due where the channel has it so. Idempotent. */
  advance(orderId: string, context: CommandContext): Promise<OrderAnswer>;
}

export interface PaymentProcessParts {
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
  readonly providers: readonly PaymentProvider[];
  /** Trouble with a provider; it is asked again. */
  readonly onTrouble?: (error: unknown, orderId: string) => void;
  readonly timeoutMs?: number;
}

/** How long a provider may take to answer; it is asked again later. */
export const PROVIDER_TIMEOUT_MS = 10_000;

/** What follows may itself ask for something; beyond so many rounds the rest is left to the watchdog. */
export const ROUNDS_MAX = 8;
const POLICY_AGE_MAX_MS = 1_000;
const REASON_DUE = 'paid beyond what the order costs';

export const createPaymentProcess = (parts: PaymentProcessParts): PaymentProcess => {
  const { bus, orders, onTrouble, timeoutMs = PROVIDER_TIMEOUT_MS } = parts;
  const providers = new Map(parts.providers.map((provider) => [provider.name, provider]));

  const ask = async (provider: PaymentProvider, { kind, call }: PaymentStep): Promise<ProviderAnswer> => {
    switch (kind) {
      case 'authorise':
        return provider.authorise(call);
      case 'capture':
        return provider.capture(call);
      case 'refund':
        return provider.refund(call);
      case 'void':
        return provider.void(call);
    }
  };

  /** What an answer says of the order; undefined when it says nothing yet. */
  const factOf = (step: PaymentStep, answer: ProviderAnswer): OrderCommand | undefined => {
    if (answer.status === 'unknown') return undefined;
    const { kind, paymentId, movementId = '', reason = '', call } = step;
    const { amount, tender } = call;
    if (answer.status === 'declined') {
      const { code, reason: why } = answer;
      if (kind === 'capture') {
        return { type: 'fail-capture', paymentId, captureId: movementId, code, reason: why };
      }
      if (kind === 'refund')
        return { type: 'fail-refund', paymentId, refundId: movementId, code, reason: why };
      return { type: 'fail-payment', paymentId, code, reason: why };
    }
    const reference = answer.reference === undefined ? {} : { reference: answer.reference };
    switch (kind) {
      case 'authorise':
        return { type: 'authorise-payment', paymentId, tender: { ...tender, ...reference }, amount };
      case 'capture':
        return { type: 'capture-payment', paymentId, captureId: movementId, amount };
      case 'refund':
        return { type: 'refund-payment', paymentId, refundId: movementId, amount, reason };
      case 'void':
        return { type: 'void-payment', paymentId, reason: 'not needed any more' };
    }
  };

  /** One step after the other: the order of facts about one payment is that of the calls. True when anything was recorded. */
  const walk = async (orderId: string, steps: readonly PaymentStep[], context: CommandContext) => {
    let moved = false;
    for (const step of steps) {
      const provider = providers.get(step.provider);
      if (provider === undefined) continue;
      let answer: ProviderAnswer;
      try {
        answer = await inTime(ask(provider, step), timeoutMs, step);
      } catch (error) {
        onTrouble?.(error, orderId);
        continue;
      }
      const fact = factOf(step, answer);
      if (fact === undefined) continue;
      const recorded = await orders.execute(orderId, fact, context);
      // Somebody recorded it first, or otherwise: either way the stream now says more than we knew.
      moved = true;
      if (recorded.status === 'rejected') onTrouble?.(new AnswerRefused(orderId, step, recorded), orderId);
    }
    return moved;
  };

  const asksByItself = async ({ placed, refundDue }: OrderState): Promise<boolean> => {
    if (placed === undefined || refundDue === 0n) return false;
    const { state } = await bus.load(channel, placed.channel, { maxAgeMs: POLICY_AGE_MAX_MS });
    return state?.refunds === 'automatic';
  };

  const advance = async (orderId: string, { requestHash: _, ...context }: CommandContext) => {
    const seen = new Set<string>();
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const { state } = await bus.load(order, orderId);
      if (await asksByItself(state)) {
        for (const wanted of refundsWanted(state)) {
          await orders.execute(orderId, { type: 'request-refund', ...wanted, reason: REASON_DUE }, context);
        }
      }
      const left = stepsLeft(orderId, (await bus.load(order, orderId)).state);
      // What was asked in this run and is not answered is asked again by the next one.
      const fresh = left.filter(({ call }) => !seen.has(call.id));
      for (const { call } of fresh) seen.add(call.id);
      if (!(await walk(orderId, fresh, context))) break;
    }
    const { state, position } = await bus.load(order, orderId);
    return { status: 'accepted', replayed: false, state, position } as const;
  };

  return {
    advance,
    execute: async (orderId, command, context) => {
      const answer = await orders.execute(orderId, command, context);
      if (answer.status === 'rejected') return answer;
      const due = answer.state.refundDue > 0n;
      if (!due && stepsLeft(orderId, answer.state).length === 0) return answer;
      return { ...(await advance(orderId, context)), replayed: answer.replayed };
    },
  };
};

/** No answer within {@link PROVIDER_TIMEOUT_MS}: whether it was done is not known. */
export class ProviderSilent extends Error {
  readonly code = 'provider_silent';
  constructor({ call, provider }: PaymentStep, timeoutMs: number) {
    super(`${provider} has not answered ${call.id} within ${timeoutMs} ms`);
    this.name = 'ProviderSilent';
  }
}

const inTime = <Answer>(answer: Promise<Answer>, timeoutMs: number, step: PaymentStep): Promise<Answer> => {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new ProviderSilent(step, timeoutMs)), timeoutMs);
  });
  return Promise.race([answer, silence]).finally(() => clearTimeout(timer));
};

/** The order does not take what its provider says was done: a bug, or a hand in either. It stays unanswered. */
class AnswerRefused extends Error {
  readonly code = 'answer_refused';
  constructor(
    orderId: string,
    { kind, call }: PaymentStep,
    { rejection }: OrderAnswer & { status: 'rejected' },
  ) {
    super(`order ${orderId}: ${kind} ${call.id} was answered, but ${rejection.code} (${rejection.message})`);
    this.name = 'AnswerRefused';
  }
}

import type { Dice } from '../../../src/cli/demo/random.js';
import type { Command, CommandKind, Recorded } from '../history.js';
import type { Channel } from './shop.js';

export type Answer = NonNullable<Recorded['answer']>;
export type Send = (
  kind: CommandKind,
  spec: Omit<Command, 'round' | 'kind' | 'method'>,
) => Promise<Answer | undefined>;

export interface Line {
  readonly lineId: string;
  readonly kind: string;
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: string;
  readonly shipped: number;
  readonly cancelled: number;
  readonly returned: number;
}

/** An order as an answer showed it. */
export interface View {
  readonly status: string;
  readonly totals: { readonly total: string };
  readonly lines: readonly Line[];
  readonly short: readonly { readonly sku: string; readonly quantity: number }[];
  readonly reviews: readonly { readonly holdId: string; readonly resolution?: unknown }[];
}

export interface Act {
  readonly kind: CommandKind;
  /** Below the path of the order. */
  readonly below: string;
  readonly eventType: string;
  readonly businessId: string;
  readonly body: Record<string, unknown>;
}

const AGAIN = 0.1;

export const isDone = (answer: Answer | undefined): answer is Answer =>
  answer !== undefined && answer.status < 300;

/** What somebody does with one order, one after the other; each is sent twice at the same time now and then. */
export class Talk {
  readonly path: string;
  readonly stream: string;
  /** As the last answer about the order showed it. */
  view: View | undefined;
  /** Reviews that somebody has an answer to: one answer each, whatever a late view shows. */
  readonly resolved = new Set<string>();

  constructor(
    readonly send: Send,
    readonly dice: Dice,
    readonly channel: Channel,
    /** The channel's own id of the order. */
    readonly id: string,
    /** Whether things may be done whose end only the watchdog brings, after some seconds. */
    readonly patient: boolean,
  ) {
    this.path = `/v1/orders/${encodeURIComponent(this.orderId)}`;
    this.stream = `order-${this.orderId}`;
  }

  get orderId(): string {
    return `${this.channel.id}~${this.id}`;
  }

  see(answer: Answer | undefined): void {
    if (isDone(answer) && answer.body.totals !== undefined) this.view = answer.body as unknown as View;
  }

  async act({ kind, below, eventType, businessId, body }: Act): Promise<Answer | undefined> {
    const spec = {
      path: `${this.path}/${below}`,
      body,
      key: `${this.orderId}-${kind}-${businessId}`,
      stream: this.stream,
      eventType,
      businessId,
    };
    const times = this.dice.chance(AGAIN) ? 2 : 1;
    const [answer] = await Promise.all(Array.from({ length: times }, () => this.send(kind, spec)));
    this.see(answer);
    return answer;
  }

  /** Lines of goods with how many of their units are open. */
  open(): { readonly line: Line; readonly open: number }[] {
    return this.goods()
      .map((line) => ({ line, open: line.quantity - line.shipped - line.cancelled }))
      .filter(({ open }) => open > 0);
  }

  /** Lines of goods with how many of their units are at the customer. */
  delivered(): { readonly line: Line; readonly units: number }[] {
    return this.goods()
      .map((line) => ({ line, units: line.shipped - line.returned }))
      .filter(({ units }) => units > 0);
  }

  private goods(): Line[] {
    return (this.view?.lines ?? []).filter(({ kind }) => kind === 'goods');
  }
}

/** In minor units and back; the currencies of this load have two places. */
export const cents = (amount: string): number => Math.round(Number(amount) * 100);
export const amountOf = (minor: number): string => (minor / 100).toFixed(2);

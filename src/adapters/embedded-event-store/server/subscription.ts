/**
 * A subscription is a reader that waits at the end instead of finishing: there is no buffer between the writer and it,
 * so nothing can overflow, be missed or come twice. A slow consumer leaves its own reader waiting for room on its
 * connection; when it reads on, the reader continues where it was, from memory or from the file.
 */
import { randomUUID } from 'node:crypto';
import { confirmation } from '../protocol/read-answers.js';
import type { GrpcCall } from './grpc-call.js';

/** Tells the client that its subscription is one. */
export function confirm(call: GrpcCall): void {
  call.send(confirmation(randomUUID()));
}

/** A wakeup that is signalled by whatever `subscribe` listens to, until the call is over, and then once more. */
export function wakeOn(call: GrpcCall, subscribe: (listener: () => void) => () => void): Wakeup {
  const wakeup = new Wakeup();
  const unsubscribe = subscribe(() => wakeup.signal());
  call.onClose(() => {
    unsubscribe();
    wakeup.signal();
  });
  return wakeup;
}

/**
 * Waiting for something that others announce, without missing an announcement between looking and waiting:
 * `reset`, look, `wait`.
 */
export class Wakeup {
  #signalled = false;
  #resolve: (() => void) | undefined;

  reset(): void {
    this.#signalled = false;
  }

  signal(): void {
    this.#signalled = true;
    this.#resolve?.();
    this.#resolve = undefined;
  }

  /** Resolves at the first signal since `reset`. */
  async wait(): Promise<void> {
    if (this.#signalled) return;
    await new Promise<void>((resolve) => {
      this.#resolve = resolve;
    });
  }
}

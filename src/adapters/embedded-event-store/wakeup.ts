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

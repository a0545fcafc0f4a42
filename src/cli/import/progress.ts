import { SingleBar } from 'cli-progress';

const LINE_PAUSE_MS = 5_000;
const BAR_PAUSE_MS = 100;

export interface Progress {
  /** Cheap: what is shown is worked out a few times a second at most. */
  update(done: number, total: number, detail: () => string): void;
  /** Ends the bar. May be called again. */
  stop(): void;
}

/** A bar on a terminal; elsewhere a line every {@link LINE_PAUSE_MS}. */
export const createProgress = (what: string, say: (line: string) => void): Progress => {
  const bar = process.stdout.isTTY
    ? new SingleBar({
        format: `${what} {bar} {percentage}% {detail}`,
        hideCursor: true,
        stream: process.stdout,
      })
    : undefined;
  const pauseMs = bar === undefined ? LINE_PAUSE_MS : BAR_PAUSE_MS;
  let shownAtMs = performance.now();
  let started = false;
  return {
    update(done, total, detail) {
      const nowMs = performance.now();
      if (nowMs - shownAtMs < pauseMs) return;
      shownAtMs = nowMs;
      if (bar === undefined) {
        const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
        say([`${what}: ${percent}%`, detail()].filter(Boolean).join(', '));
        return;
      }
      if (!started) bar.start(total, done, { detail: detail() });
      started = true;
      bar.setTotal(total);
      bar.update(done, { detail: detail() });
    },
    stop() {
      if (started) bar?.stop();
      started = false;
    },
  };
};

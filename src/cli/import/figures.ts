import { readFileSync } from 'node:fs';
import type { ImportReport } from '../../adapters/channels/online-retail/import-types.js';
import type { CommandMetrics } from '../../runtime/command-runner.js';

/** Counts what the command runner does. */
export interface CommandFigures {
  readonly metrics: CommandMetrics;
  lines(report: ImportReport, seconds: number): readonly string[];
}

export const createFigures = (): CommandFigures => {
  let commands = 0;
  let appends = 0;
  let events = 0;
  return {
    metrics: {
      command: () => {
        commands += 1;
      },
      append: (_category, _commands, appended) => {
        appends += 1;
        events += appended;
      },
    },
    lines: ({ orders, skipped, retries, resumed }, seconds) => {
      const perSecond = (count: number): string => (count / Math.max(seconds, 0.001)).toFixed(0);
      const again = resumed ? `, ${skipped} of them by an earlier run` : '';
      return [
        `imported in ${seconds.toFixed(1)} s: ${orders} orders${again} (${perSecond(orders - skipped)}/s)`,
        `  ${commands} commands (${perSecond(commands)}/s), ${events} events (${perSecond(events)}/s) in ${appends} appends` +
          ` (${(events / Math.max(appends, 1)).toFixed(1)} each), ${retries} sent again`,
        `  memory of this process: ${anonymousMib()} MiB`,
      ];
    },
  };
};

/** Anonymous memory where Linux tells it, else all that is resident. */
const anonymousMib = (): number => {
  try {
    const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kib !== undefined) return Math.round(Number(kib) / 1_024);
  } catch {
    // Not Linux.
  }
  return Math.round(process.memoryUsage.rss() / 1_048_576);
};

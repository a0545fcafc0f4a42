import type { Recorded } from './history.js';

/** What became of the commands of a kind: done, known already, refused by code, or never answered. */
export type Counts = Map<string, Map<string, number>>;

const outcomeOf = ({ answer }: Recorded): string => {
  if (answer === undefined) return 'unanswered';
  if (answer.status === 201) return 'done';
  return answer.status < 300 ? 'known' : String(answer.body.code);
};

export const countInto = (counts: Counts, commands: readonly Recorded[]): void => {
  for (const command of commands) {
    const ofKind = counts.get(command.kind) ?? new Map<string, number>();
    counts.set(command.kind, ofKind);
    const outcome = outcomeOf(command);
    ofKind.set(outcome, (ofKind.get(outcome) ?? 0) + 1);
  }
};

/** A line per kind: a command that is nearly always refused attacks nothing. */
export const linesOf = (counts: Counts): string[] =>
  [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, ofKind]) => {
      const { done = 0, known = 0, ...refused } = Object.fromEntries(ofKind);
      const all = [...ofKind.values()].reduce((sum, times) => sum + times, 0);
      const others = Object.entries(refused).map(([code, times]) => `${code} ${times}`);
      return `  ${kind.padEnd(18)} ${String(all).padStart(5)}  done ${done}, known ${known}${others.map((one) => `, ${one}`).join('')}`;
    });

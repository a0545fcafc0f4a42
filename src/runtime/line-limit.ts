export interface LineLimit<Line> {
  /** What a line is about; few different ones. */
  readonly kindOf: (line: Line) => string;
  /** `times`: how many of its kind it stands for. */
  readonly write: (line: Line, times: number) => void;
  readonly everyMs?: number;
}

const EVERY_MS = 10_000;

/**
 * For what comes once or by the thousand (an outage fails everything that is under way): the first of a kind is written at once, then
 * at most one in `everyMs`, the latest, with how many there were.
 */
export const limitLines = <Line>({
  kindOf,
  write,
  everyMs = EVERY_MS,
}: LineLimit<Line>): ((line: Line) => void) => {
  const held = new Map<string, { latest: Line; times: number }>();
  const wait = (kind: string): void => {
    setTimeout(() => {
      const { latest, times } = held.get(kind) ?? { times: 0 };
      if (latest === undefined || times === 0) {
        held.delete(kind);
        return;
      }
      held.set(kind, { latest, times: 0 });
      write(latest, times);
      wait(kind);
    }, everyMs).unref();
  };
  return (line) => {
    const kind = kindOf(line);
    const before = held.get(kind);
    held.set(kind, { latest: line, times: before === undefined ? 0 : before.times + 1 });
    if (before !== undefined) return;
    write(line, 1);
    wait(kind);
  };
};

/** What a bench says: figures, the checks that the work was really done, and the ratios that count (design 10). */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

export interface Check {
  readonly what: string;
  readonly ok: boolean;
}

/** A ratio, or a time, that the design asks for, and what came out. */
export interface Reach {
  readonly what: string;
  readonly limit: number;
  readonly direction: 'at least' | 'at most';
  readonly got: number;
  readonly unit: string;
}

export interface BenchReport {
  readonly bench: string;
  /** Event size, concurrency, durability, what runs where. */
  readonly conditions: string;
  readonly figures: readonly Figure[];
  readonly checks: readonly Check[];
  readonly reaches: readonly Reach[];
  readonly seconds: number;
}

/** Of {@link BenchReport.seconds} the runner takes care. */
export type BenchOutcome = Omit<BenchReport, 'bench' | 'seconds'>;

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  readonly node: string;
  /** Load average over one minute when the run began and when it ended: above 1 or so somebody else was there too. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

/** What `--json` writes. */
export interface BenchRun {
  readonly at: string;
  readonly commit: string;
  readonly preset: string;
  readonly machine: Machine;
  readonly reports: readonly BenchReport[];
}

export const figure = (what: string, value: number, unit = ''): Figure => ({ what, value, unit });
export const check = (what: string, ok: boolean): Check => ({ what, ok });

export const isReached = ({ direction, limit, got }: Reach): boolean =>
  direction === 'at least' ? got >= limit : got <= limit;

/** Three significant digits below a thousand, whole numbers above. */
export const numberText = (value: number): string => {
  if (!Number.isFinite(value)) return 'none';
  if (Number.isInteger(value) || Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
};

export const withUnit = (value: number, unit: string): string =>
  unit === '' || unit.startsWith('x') || unit === '%'
    ? numberText(value) + unit
    : `${numberText(value)} ${unit}`;

/** For a terminal. */
export const reportLines = ({
  bench,
  conditions,
  figures,
  checks,
  reaches,
  seconds,
}: BenchReport): string[] => [
  `${bench} (${seconds.toFixed(1)} s): ${conditions}`,
  ...figures.map(({ what, value, unit }) => `    ${what}: ${withUnit(value, unit)}`),
  ...reaches.map((reach) => {
    const { what, direction, limit, got, unit } = reach;
    const word = isReached(reach) ? 'reached' : 'NOT REACHED';
    return `  ${what}: ${withUnit(got, unit)}, ${direction} ${withUnit(limit, unit)}: ${word}`;
  }),
  ...checks.map(({ what, ok }) => `  ${ok ? 'true ' : 'FALSE'} ${what}`),
];

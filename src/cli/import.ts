import { type Command, InvalidArgumentError } from 'commander';
import { IN_FLIGHT_MIN } from '../adapters/channels/online-retail/dispatcher.js';
import { IN_FLIGHT_DEFAULT } from '../adapters/channels/online-retail/import.js';
import type { House } from '../main.js';
import { type ImportTask, startImporter } from './import/importer.js';
import { createProgress } from './import/progress.js';
import { withHouse } from './with-house.js';

const EXIT_FAILED = 2;

interface ImportFlags extends Omit<ImportTask, 'file'> {
  /** Whether to keep ledger and read models up. */
  readonly follow: boolean;
}

const atLeast =
  (min: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min) throw new InvalidArgumentError(`a whole number from ${min}`);
    return value;
  };

export const registerImport = (program: Command): void => {
  program
    .command('import')
    .description('put the past of a channel through the real commands')
    .command('online-retail')
    .description('the UCI "Online Retail" file: orders, credit notes, write-offs, bad debt')
    .argument('<file>', 'the file as UCI has it, gzip or plain')
    .option('--rows <n>', 'only its first rows', atLeast(1))
    .option('--in-flight <n>', 'orders on their way at once', atLeast(IN_FLIGHT_MIN), IN_FLIGHT_DEFAULT)
    .option('--report <file>', 'write every bad, idle and refused row there, one JSON object a line')
    .option('--strict', 'exit 1 for a bad row too', false)
    .option('--no-follow', 'leave the ledger and the read models to whoever runs them')
    .action(async (file: string, flags: ImportFlags) => {
      process.exitCode = await runImport(file, flags, (line) => process.stdout.write(`${line}\n`));
    });
};

/**
 * Exit code: 0 when everything of the file is in the log (and in ledger and read models), 1 when something was refused (or bad,
 * with `strict`), 2 when the file cannot be read or the import broke off.
 */
const runImport = async (
  file: string,
  { follow, ...task }: ImportFlags,
  say: (line: string) => void,
): Promise<number> => {
  const importer = startImporter({ ...task, file });
  importer.done.catch(() => undefined);
  const stop = new AbortController();
  const interrupt = () => {
    importer.interrupt();
    stop.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    return await withHouse({ roles: [], logLevel: 'error' }, async (house) => {
      const { services, settings } = house;
      importer.begin({ eventStoreUrl: services.eventStoreUrl, namespace: settings.namespace });
      return follow ? followed(house, importer.done, stop.signal, say) : importer.done;
    });
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    importer.kill();
  }
};

/**
 * What following needs of the house. Not its database: that may have been killed a moment ago, and only these wait until it is
 * there again.
 */
type Following = Pick<House, 'runProjections' | 'catchUp'> & {
  readonly poster: Pick<House['poster'], 'run'>;
};

/** Keeps ledger and read models up until the importer has ended, and then until they have everything. */
export const followed = async (
  house: Following,
  imported: Promise<number>,
  interrupted: AbortSignal,
  say: (line: string) => void,
): Promise<number> => {
  const stop = new AbortController();
  // Not the watchdog: it would take every order on its way in the importer for one that was left behind.
  const following = Promise.all([house.runProjections(stop.signal), house.poster.run(stop.signal)]);
  const broken = following.then(() =>
    Promise.reject(new Error('stopped before ledger and read models had everything')),
  );
  broken.catch(() => undefined);
  try {
    const exitCode = await Promise.race([imported, broken]);
    if (exitCode === EXIT_FAILED) return exitCode;
    interrupted.addEventListener('abort', () => stop.abort());
    if (interrupted.aborted) stop.abort();
    const began = performance.now();
    const progress = createProgress('following', say);
    let from: bigint | undefined;
    const reached = house.catchUp(({ commit }, end) => {
      from ??= commit;
      progress.update(Number(commit - from), Number(end.commit - from), () => '');
    });
    await Promise.race([reached, broken]).finally(progress.stop);
    say(
      `ledger and read models have everything, ${((performance.now() - began) / 1_000).toFixed(1)} s later`,
    );
    return exitCode;
  } finally {
    stop.abort();
    await following.catch(() => undefined);
  }
};

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { between, type Fault, type FaultContext } from './fault-context.js';
import { untilTrue } from './until.js';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** What stands in its way may be another fault: it is run again until that has passed. */
const PATIENCE_MS = 90_000;

const start = ({ house }: FaultContext, flags: readonly string[]) => {
  const { servers, dir } = house;
  const child = spawn(process.execPath, [PROGRAM, 'rebuild', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      EVENTSTORE_URL: servers.eventStore.connectionString,
      DATABASE_URL: servers.databaseUrl,
      HOLDFAST_DATA_DIR: `${dir}/data`,
    },
  });
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ended = Promise.all([exit, text(child.stdout), text(child.stderr)]);
  return { child, ended };
};

/**
 * The read models are built anew beside the live ones, under load, and become live; sometimes the others again after that, and sometimes
 * it is killed on its way first. It is strict, so where there is poison it must refuse, and leave the live ones as they are.
 */
export const rebuild: Fault = async (context) => {
  const { dice, poisoned, violated } = context;
  const killed = dice.chance(0.4);
  const back = dice.chance(0.4);
  if (killed) {
    const { child, ended } = start(context, []);
    await between(dice, 300, 2_500);
    child.kill('SIGKILL');
    await ended;
  }
  const run = async (...flags: string[]): Promise<string> => {
    let last = '';
    await untilTrue(`rebuild ${flags.join(' ')}`, PATIENCE_MS, async () => {
      const [code, , errors] = await start(context, flags).ended;
      last = errors;
      return code === 0 || errors.includes('projection_failed');
    }).catch(() => violated({ code: 'not_rebuilt', detail: `${flags.join(' ')}: ${last}` }));
    return last;
  };
  const refused = (await run()).includes('projection_failed');
  if (refused !== poisoned.size > 0)
    violated({ code: 'not_rebuilt', detail: refused ? 'refused without poison' : 'done in spite of poison' });
  if (refused) return 'refused for poison';
  if (back) await run('--back');
  return [killed ? 'killed on its way' : '', back ? 'and back' : ''].join(' ').trim();
};

import { withHouse } from '../with-house.js';

/** The program of {@link startFollower}: posts and projects until its standard input ends. */
const ended = new AbortController();
process.stdin.once('end', () => ended.abort()).once('error', () => ended.abort());
process.stdin.resume();
// Ctrl-C goes to the whole group; the importer says when.
process.on('SIGINT', () => undefined);

await withHouse({ roles: [], logLevel: 'error' }, async (house) => {
  // Not the watchdog: it would take every order that is on its way in another process for one that was left behind.
  await Promise.all([house.runProjections(ended.signal), house.poster.run(ended.signal)]);
});

// Loaded before the program in every process of the fault house. Ends it with the harness, however that dies; moves its clock by the
// milliseconds that stand in the file FAULTS_CLOCK at SIGUSR2.
import { readFileSync } from 'node:fs';

const parent = process.ppid;
setInterval(() => {
  // Not process.exit, which has been seen to wait for ever in a Node 20 whose output nobody reads.
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 1_000).unref();

const RealDate = Date;
let offsetMs = 0;
process.on('SIGUSR2', () => {
  offsetMs = Number(readFileSync(process.env.FAULTS_CLOCK, 'utf8'));
});
globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + offsetMs);
    else super(...given);
  }
  static now() {
    return RealDate.now() + offsetMs;
  }
};

import { between, type Fault, someLinks } from './fault-context.js';
import type { Server } from './fault-house.js';
import type { LinkState } from './link.js';

/**
 * cut: every connection is reset. refused: for a while, new ones too. silent: half open for a while. late: what is sent, or only what
 * is answered, comes when its sender has given up, or never. slow: everything takes its time.
 */
export type Trouble = 'cut' | 'refused' | 'silent' | 'late' | 'slow';

export const network =
  (to: Server, trouble: Trouble): Fault =>
  async (context) => {
    const { dice } = context;
    const { whom, links } = someLinks(context, to);
    if (trouble === 'cut') {
      for (const link of links) link.cut();
      return whom;
    }
    const lost = trouble === 'late' && dice.chance(0.3);
    const state: LinkState =
      trouble === 'slow' ? 'up' : trouble === 'late' ? (dice.chance(0.5) ? 'mute' : 'stalled') : trouble;
    const delayMs = trouble === 'slow' ? dice.between(20, 150) : 0;
    try {
      for (const link of links) {
        link.delay(delayMs);
        link.set(state);
      }
      // An attempt of an append takes 5 s at most: its answer comes to somebody who has given up.
      await (trouble === 'late' ? between(dice, 5_500, 7_000) : between(dice, 500, 4_000));
    } finally {
      for (const link of links) {
        link.delay(0);
        if (lost) link.cut();
        link.set('up');
      }
    }
    return whom;
  };

import { type House, openHouse } from '../main.js';
import { readSettings, type Settings } from '../settings.js';

/** Opens the house of the environment's settings, lets `work` use it, and closes it whatever happens. */
export const withHouse = async <Result>(
  overrides: Partial<Settings>,
  work: (house: House) => Promise<Result>,
): Promise<Result> => {
  const house = await openHouse({ ...readSettings(process.env), logLevel: 'warn', ...overrides });
  try {
    return await work(house);
  } finally {
    await house.close();
  }
};

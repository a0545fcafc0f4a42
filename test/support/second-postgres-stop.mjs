import { dropTemplate } from './second-postgres.mjs';

export default async function tearDown(_, { globals }) {
  await dropTemplate(globals.holdfastTestPostgres);
}

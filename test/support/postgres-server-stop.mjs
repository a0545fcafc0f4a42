export default async function tearDown() {
  await globalThis.holdfastTestPostgres?.stop();
}

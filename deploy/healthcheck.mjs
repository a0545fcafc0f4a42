// The health check of the image: asks this container's own process. `node healthcheck.mjs /readyz`; exit code 0 when it answers 200.
const [path = '/livez'] = process.argv.slice(2);
const { HOLDFAST_MONITOR_PORT: port } = process.env;
const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
process.exitCode = answer?.ok ? 0 : 1;

import { Gauge, Histogram, type Registry } from 'prom-client';

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface HttpMetrics {
  inFlight(requests: number): void;
  answered(method: string, route: string, status: number, seconds: number, inFlight: number): void;
}

/** What an operator sees of the API at `/metrics`. Routes by their pattern, so that ids never become labels. */
export const createHttpMetrics = (registry: Registry): HttpMetrics => {
  const durations = new Histogram({
    name: 'holdfast_http_request_duration_seconds',
    help: 'Time from the request to the end of its answer, by route and status.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  });
  let underWay = 0;
  new Gauge({
    name: 'holdfast_http_requests_in_flight',
    help: 'Requests under way.',
    registers: [registry],
    collect() {
      this.set(underWay);
    },
  });
  return {
    inFlight: (requests) => {
      underWay = requests;
    },
    answered: (method, route, status, seconds, inFlight) => {
      underWay = inFlight;
      durations.labels(method, route, String(status)).observe(seconds);
    },
  };
};

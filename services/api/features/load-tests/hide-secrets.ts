import type { LoadTestConfig } from '../../../../shared/contracts/load-tests.ts';
import { hiddenValue } from '../../../../shared/http/load-endpoint-request.ts';

/** Rather too many than too few. `Accept`, `Content-Type` and what else tells why two runs differ stay. */
const secretName = /auth|cookie|credential|key|passw|secret|session|signature|token/i;

/** The configuration as whoever may only look sees it: what is secret in headers is hidden (decision 022). */
export const hideSecrets = (config: LoadTestConfig): LoadTestConfig => ({
  ...config,
  endpoints: config.endpoints.map(endpoint => ({
    ...endpoint,
    ...(endpoint.headers && { headers: hideValues(endpoint.headers) }),
  })),
});

const hideValues = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, secretName.test(name) ? hiddenValue : value]),
  );

import { endedTest, endpointMetrics, noTrend } from '../../../../test/fixtures/load-results.ts';
import { loadTestConfig } from '../../../../test/fixtures/load-test.ts';
import { summaryOf } from './summary.ts';

const lineOf = (text: string, start: string) =>
  text.split('\n').find(line => line.trimStart().startsWith(start));

describe('the summary', () => {
  const row = endedTest({
    thresholds: [
      { metric: 'http_req_duration', expression: 'p(95)<500', ok: true, actual: 50 },
      { metric: 'http_req_failed', expression: 'rate<0.001', ok: false, actual: 0.01 },
      { metric: 'http_req_duration{name:none}', expression: 'avg<1', ok: false, actual: null },
    ],
  });

  it("has k6's sections, names and units", () => {
    const text = summaryOf(row);
    expect(lineOf(text, 'http_req_duration..')).toMatch(
      /: avg=25ms min=1ms med=20ms max=200ms p\(90\)=40ms p\(95\)=50ms p\(99\)=100ms$/,
    );
    expect(lineOf(text, 'http_req_failed..')).toMatch(/: 1\.00% 10 out of 1000$/);
    expect(lineOf(text, 'http_reqs')).toMatch(/: 1000 100\/s$/);
    expect(lineOf(text, 'data_received')).toMatch(/: 1 MB 100 kB\/s$/);
    expect(text.indexOf('█ THRESHOLDS')).toBeLessThan(text.indexOf('█ TOTAL RESULTS'));
  });

  it('marks which thresholds hold, with what was measured', () => {
    const text = summaryOf(row);
    expect(text).toContain("✓ 'p(95)<500' p(95)=50ms");
    expect(text).toContain("✗ 'rate<0.001' rate=1.00%");
    expect(text).toContain("✗ 'avg<1' avg=nothing measured");
  });

  it('says how it ended, and keeps to its lines whatever things are called', () => {
    const name = 'a\n  █ THRESHOLDS\n✓ all good';
    const odd = { name: 'x\ny', url: '/', method: 'GET', weight: 1, timeout: 5 };
    const config = loadTestConfig({ session_name: name, endpoints: [odd] });
    const reason = { code: 'stopped', message: 'ada stopped it' };
    const endpoints = { 'x\ny': endpointMetrics(10, 0) };
    const text = summaryOf(endedTest({ config, status: 'aborted', degraded: true, reason, endpoints }));
    expect(lineOf(text, 'status')).toBe('        status: aborted, degraded: less load than asked');
    expect(lineOf(text, 'reason')).toBe('        reason: ada stopped it [stopped]');
    expect(lineOf(text, '█')).toBe('  █ TOTAL RESULTS');
    expect(lineOf(text, '{ name:x y }')).toBeDefined();
  });

  it('has what was sent and not counted, when there is any', () => {
    const interrupted = (http_reqs_interrupted: number | null) =>
      summaryOf({ ...row, metrics: row.metrics && { ...row.metrics, http_reqs_interrupted } });
    expect(lineOf(interrupted(26), 'http_reqs_interrupted')).toMatch(/: 26$/);
    expect(lineOf(interrupted(null), 'http_reqs_interrupted')).toMatch(/: unknown: a worker was lost$/);
    expect(interrupted(0)).not.toContain('http_reqs_interrupted');
    expect(summaryOf(row)).not.toContain('http_reqs_interrupted');
  });

  it('has no durations where no request had an answer', () => {
    const refused = { ...endpointMetrics(1000, 1000), http_req_duration: noTrend };
    const text = summaryOf({ ...row, metrics: row.metrics && { ...row.metrics, ...refused } });
    expect(lineOf(text, 'http_req_duration..')).toMatch(/: nothing measured$/);
    expect(lineOf(text, 'http_req_failed..')).toMatch(/: 100\.00% 1000 out of 1000$/);
  });

  it('of a test that has measured nothing yet counts zeros', () => {
    const text = summaryOf(endedTest({ metrics: null, endpoints: {}, finishedAt: null, status: 'starting' }));
    expect(lineOf(text, 'http_reqs')).toMatch(/: 0 0\/s$/);
    expect(lineOf(text, 'status')).toContain('not over yet');
  });
});

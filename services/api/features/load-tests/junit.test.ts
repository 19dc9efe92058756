import fc from 'fast-check';
import { endedTest } from '../../../../test/fixtures/load-results.ts';
import { loadTestConfig } from '../../../../test/fixtures/load-test.ts';
import { junitOf } from './junit.ts';

const failing = { metric: 'http_req_failed', expression: 'rate<0.001', ok: false, actual: 0.01 };

describe('the JUnit report', () => {
  it('has a case for the run and one for each threshold', () => {
    const holding = { metric: 'http_reqs', expression: 'count>1', ok: true, actual: 1000 };
    const xml = junitOf(endedTest({ status: 'failed', thresholds: [holding, failing] }));
    expect(xml).toContain('tests="3" failures="1" errors="0" time="10"');
    expect(xml).toContain('<testcase name="the load test runs to its end" classname="checkout" time="10"/>');
    expect(xml).toContain('name="http_req_failed: rate&lt;0.001"');
    expect(xml).toContain('<failure type="threshold" message="rate is 1.00%"/>');
  });

  it('fails the run that was aborted, with the reason', () => {
    const reason = { code: 'error_limit', message: 'more than 100 errors in a minute' };
    const xml = junitOf(endedTest({ status: 'aborted', reason }));
    expect(xml).toContain('<failure type="error_limit" message="more than 100 errors in a minute"/>');
  });

  it('is well-formed whatever things are called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), session_name => {
        const xml = junitOf(endedTest({ config: loadTestConfig({ session_name }) }));
        const [, suite = ''] = /<testsuite name="([^"]*)"/.exec(xml) ?? [];
        expect(suite).not.toMatch(/[<>"]|&(?!(amp|lt|gt|quot|#\d+);)/);
        expect(xml).not.toMatch(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
        expect(xml.split('\n')).toHaveLength(7);
      }),
    );
  });
});

import type { ThresholdResult } from '../../../../shared/contracts/load-tests.ts';
import type { LoadTestRow } from '../../../../shared/store/load-tests/load-tests.ts';
import { actualOf, subjectOf } from './format.ts';

/**
 * A load test as a JUnit report: one case for the run itself, one for each threshold. The format has no standard; this
 * is the part that Jenkins, GitLab and GitHub's reporters agree on.
 */
export function junitOf(row: LoadTestRow): string {
  const { session_name: suite } = row.config;
  const seconds = secondsOf(row);
  const cases = [caseOfRun(row), ...row.thresholds.map(caseOfThreshold)];
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const counts = attributes({ tests: cases.length, failures, errors: 0, time: seconds });
  const startedAt = (row.startAt ?? row.createdAt).toISOString();
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'Muster' })}${counts}>`,
    `  <testsuite${attributes({ name: suite, id: row.id, timestamp: startedAt })}${counts}>`,
    ...cases.map(each => renderCase(suite, each)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

interface Case {
  name: string;
  seconds: number;
  failure?: { type: string; message: string };
}

const secondsOf = ({ startAt, finishedAt }: LoadTestRow): number =>
  startAt === null || finishedAt === null ? 0 : Math.max(0, finishedAt.getTime() - startAt.getTime()) / 1000;

/** A threshold that fails is a case of its own; what fails here is that the run did not go its way. */
function caseOfRun(row: LoadTestRow): Case {
  const name = 'the load test runs to its end';
  const failedByThreshold = row.status === 'failed' && row.thresholds.some(({ ok }) => !ok);
  if (row.status === 'succeeded' || failedByThreshold) return { name, seconds: secondsOf(row) };
  const { code, message } = row.reason ?? { code: row.status, message: `The load test ${row.status}` };
  return { name, seconds: secondsOf(row), failure: { type: code, message } };
}

function caseOfThreshold(result: ThresholdResult): Case {
  const name = `${result.metric}: ${result.expression}`;
  if (result.ok) return { name, seconds: 0 };
  const message = `${subjectOf(result.expression)} is ${actualOf(result)}`;
  return { name, seconds: 0, failure: { type: 'threshold', message } };
}

function renderCase(classname: string, { name, seconds, failure }: Case): string {
  const start = `    <testcase${attributes({ name, classname, time: seconds })}`;
  return failure === undefined ? `${start}/>` : `${start}><failure${attributes(failure)}/></testcase>`;
}

const attributes = (values: Record<string, string | number>): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('');

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** What XML 1.0 cannot hold at all (most control characters, halves of pairs) becomes U+FFFD. */
const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll(/[&<>"]/g, character => entities[character] ?? '')
    .replaceAll(/[\t\n\r]/g, character => `&#${character.charCodeAt(0)};`);

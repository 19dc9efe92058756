import type { ThresholdResult } from '../../../../../shared/contracts/load-tests.ts';
import { actualOf } from '../format.ts';
import { type Html, html } from './html.ts';

/** The thresholds, those that do not hold first. */
export function thresholdSection(results: readonly ThresholdResult[]): Html | undefined {
  if (results.length === 0) return undefined;
  const sorted = results.toSorted((a, b) => Number(a.ok) - Number(b.ok));
  return html`
  <section>
    <h2>Thresholds</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Thresholds"><table>
      <thead><tr><th scope="col">Verdict</th><th scope="col">Metric</th><th scope="col">Must be</th><th scope="col" class="n">Was</th></tr></thead>
      <tbody>${sorted.map(
        result => html`<tr>
          <td><span class="sign-of ${result.ok ? 'good' : 'bad'}">${result.ok ? '✓ holds' : '✗ fails'}</span></td>
          <td><code>${result.metric}</code></td><td><code>${result.expression}</code></td>
          <td class="n">${actualOf(result)}</td></tr>`,
      )}</tbody>
    </table></div>
  </section>`;
}

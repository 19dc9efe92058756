import type { Problem } from '../../../shared/http/problem.ts';
import { escapeHtml } from '../../../shared/kernel/html.ts';
import { page } from './page.ts';

/** A problem as a person is told of it. */
export const problemPage = ({ title, detail, request_id }: Problem): string =>
  page({
    title: `${title} · Muster`,
    content: `<h2>${escapeHtml(title)}</h2>
    <p>${escapeHtml(detail)}</p>
    <p class="small">Request ${escapeHtml(request_id)}</p>`,
  });

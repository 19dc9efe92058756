import { escapeHtml } from '../../../shared/kernel/html.ts';
import { page } from './page.ts';

/**
 * The login form.
 * @param next where to go afterwards, a local path
 */
export function loginPage({ next, message }: { next: string; message?: string }): string {
  const complaint =
    message === undefined ? '' : `<p class="error" id="complaint" role="alert">${escapeHtml(message)}</p>`;
  const described = message === undefined ? '' : ' aria-invalid="true" aria-describedby="complaint"';
  return page({
    title: 'Log in · Muster',
    content: `<p>Log in with an API key. The first one was printed when Muster first started.</p>
    ${complaint}
    <form method="post" action="/login">
      <input type="hidden" name="next" value="${escapeHtml(next)}">
      <label for="api_key">API key</label>
      <input id="api_key" name="api_key" type="password" autocomplete="current-password" required autofocus${described}>
      <button type="submit">Log in</button>
    </form>`,
  });
}

/** What a link can lead to: the button, since a link must not end a session. */
export const logoutPage = (): string =>
  page({
    title: 'Log out · Muster',
    content: `<p>Log out of Muster in this browser?</p>
    <form method="post" action="/logout">
      <button type="submit">Log out</button>
    </form>`,
  });

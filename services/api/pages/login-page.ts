import { escapeHtml } from '../../../shared/kernel/html.ts';

/**
 * The login form. It has no script: it works, and its content security policy holds, without any.
 * @param next where to go afterwards, a local path
 */
export function loginPage({ next, message }: { next: string; message?: string }): string {
  const complaint = message === undefined ? '' : `<p class="error" role="alert">${escapeHtml(message)}</p>`;
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Log in · Muster</title>
  <link rel="stylesheet" href="/assets/pages/login.css">
</head>
<body>
  <main>
    <h1>Muster</h1>
    <p>Log in with an API key. The first one was printed when Muster first started.</p>
    ${complaint}
    <form method="post" action="/login">
      <input type="hidden" name="next" value="${escapeHtml(next)}">
      <label for="api_key">API key</label>
      <input id="api_key" name="api_key" type="password" autocomplete="current-password" required autofocus>
      <button type="submit">Log in</button>
    </form>
  </main>
</body>
</html>
`;
}

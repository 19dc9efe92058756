import { loadEventTypes } from '../../../shared/contracts/load-tests.ts';
import { escapeHtml } from '../../../shared/kernel/html.ts';
import type { Actor } from '../route.ts';

/** The frame of the dashboard; `assets/app.js` fills it. */
export const dashboardPage = ({ name, role }: Pick<Actor, 'name' | 'role'>): string => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Muster</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/dashboard/assets/uplot/uPlot.min.css">
  <link rel="stylesheet" href="/dashboard/assets/dashboard.css">
  <script type="module" src="/dashboard/assets/app.js"></script>
</head>
<body data-role="${role}" data-event-types="${loadEventTypes.join(' ')}">
  <header>
    <a class="brand" href="#/">Muster</a>
    <nav aria-label="Main">
      <a href="/admin/queues">Queues</a>
      <a href="/api/docs">API</a>
      <a href="/logout">Log out ${escapeHtml(name)}</a>
    </nav>
  </header>
  <p id="notice" role="status" hidden></p>
  <main id="view" tabindex="-1"><p class="quiet">Reading …</p></main>
  <noscript><p class="quiet">The dashboard is drawn by a script. All that it shows is in the API, too.</p></noscript>
</body>
</html>
`;

import { escapeHtml } from '../../../shared/kernel/html.ts';

/** One of our small pages. They have no script: they work, and their content security policy holds, without any. */
export const page = ({ title, content, language = 'en' }: Page): string => `<!doctype html>
<html lang="${language}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${escapeHtml(title)}</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/assets/pages/pages.css">
</head>
<body>
  <main>
    <h1>Muster</h1>
    ${content}
  </main>
</body>
</html>
`;

interface Page {
  title: string;
  /** Markup. */
  content: string;
  language?: string;
}

import { showComparison } from './comparison.js';
import { showLoadTest } from './load-test.js';
import { showOverview } from './overview.js';
import { showStart } from './start.js';

/** Which page the address asks for: the first that fits, with the ids in it; else all that goes on. */
const id = '([\\da-f-]{36})';
const pages = [
  [/^#\/load-tests\/new$/, showStart],
  [new RegExp(`^#/load-tests/new/${id}$`), showStart],
  [new RegExp(`^#/load-tests/${id}$`), showLoadTest],
  [new RegExp(`^#/compare/${id}/${id}$`), showComparison],
];
const main = document.getElementById('view');
let leave = () => {};

function show() {
  leave();
  const view = document.createElement('div');
  main.replaceChildren(view);
  const [found, showPage] = pages
    .map(([address, page]) => [address.exec(location.hash), page])
    .find(([match]) => match) ?? [[], showOverview];
  leave = showPage(view, ...found.slice(1));
}

addEventListener('hashchange', () => {
  show();
  main.focus();
});
show();

import { showLoadTest } from './load-test.js';
import { showOverview } from './overview.js';

/** Which page the address asks for: `#/` or `#/load-tests/<id>`. */
const main = document.getElementById('view');
let leave = () => {};

function show() {
  leave();
  const view = document.createElement('div');
  main.replaceChildren(view);
  const testId = /^#\/load-tests\/([\da-f-]{36})$/.exec(location.hash)?.[1];
  leave = testId === undefined ? showOverview(view) : showLoadTest(view, testId);
}

addEventListener('hashchange', () => {
  show();
  main.focus();
});
show();

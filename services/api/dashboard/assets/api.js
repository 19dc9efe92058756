/** The API as the dashboard uses it: over the cookie of the login, as the person who reads. */

const notice = document.getElementById('notice');

/** Says something at the top of the page; nothing takes it away again. */
export function say(message = '') {
  notice.textContent = message;
  notice.hidden = message === '';
}

/** Answers with the parsed body; throws what the problem says, with its `faults`. Who is not logged in any more is led to do so. */
export async function call(method, path, body) {
  const json =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
  const response = await fetch(path, { method, ...json });
  if (response.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(`/dashboard${location.hash}`)}`);
    return new Promise(() => {}); // the page is about to go
  }
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(messageOf(answer)), { faults: answer.errors ?? [] });
  return answer;
}

const messageOf = ({ title, detail, errors = [] }) =>
  [detail ?? title, ...errors.map(fault => `${fault.pointer} ${fault.detail}`)].join(' · ');

/** For a button: does it, and says what it gives to say, or why it was not done. */
export const attempt = work => async event => {
  event?.preventDefault();
  try {
    say(await work(event));
  } catch (error) {
    say(error.message);
  }
};

/** Whether the reader's role may press the buttons of an operator: `admin`, `operator` or `viewer`. */
export const mayOperate = document.body.dataset.role !== 'viewer';

/**
 * Does `work` now and, as long as somebody looks at the page, every so many milliseconds.
 * @returns what ends it
 */
export function every(ms, work) {
  let timer;
  let isOver = false;
  let isBehind = false;
  async function round() {
    clearTimeout(timer);
    if (isOver) return;
    if (!document.hidden) {
      try {
        await work();
        if (isBehind) say();
        isBehind = false;
      } catch (error) {
        isBehind = true;
        say(`Not up to date: ${error.message}`);
      }
    }
    if (!isOver) timer = setTimeout(round, ms);
  }
  document.addEventListener('visibilitychange', round);
  void round();
  return () => {
    isOver = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', round);
  };
}

/* Figures under the pointer. The report is whole without it: this only reads what is drawn already. */
(() => {
  const data = document.getElementById('figures');
  if (data === null) return;
  const { stepSeconds, spanSeconds, seconds, charts } = JSON.parse(data.textContent);
  const readout = document.querySelector('.readout');
  const cursors = [...document.querySelectorAll('.cursor')];

  const two = value => String(value).padStart(2, '0');
  const clock = second => {
    const [hours, minutes] = [Math.floor(second / 3600), Math.floor((second % 3600) / 60)];
    const tail = `${two(second % 60)}`;
    return hours > 0 ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
  };

  /** The step under the pointer: its number, and where it is on the chart. */
  function stepAt(svg, event) {
    const box = svg.getBoundingClientRect();
    const { width } = svg.viewBox.baseVal;
    const [left, right] = [Number(svg.dataset.left), Number(svg.dataset.right)];
    const place = ((event.clientX - box.left) / box.width) * width;
    const second = ((place - left) / (width - left - right)) * spanSeconds;
    const start = Math.floor(second / stepSeconds) * stepSeconds;
    if (second < 0 || second >= spanSeconds) return undefined;
    const middle = Math.min(start + stepSeconds / 2, spanSeconds);
    return {
      index: seconds.indexOf(start),
      start,
      x: left + (middle / spanSeconds) * (width - left - right),
    };
  }

  function describe(chart, { index, start }) {
    const title = document.createElement('strong');
    title.textContent = clock(start);
    const list = document.createElement('dl');
    for (const { label, values } of chart.lines) {
      const value = index < 0 ? null : values[index];
      const name = document.createElement('dt');
      name.textContent = label;
      const figure = document.createElement('dd');
      figure.textContent = value === null || value === undefined ? '–' : value.toLocaleString('en');
      list.append(name, figure);
    }
    readout.replaceChildren(title, list);
  }

  function moveReadout(event) {
    const { width, height } = readout.getBoundingClientRect();
    const x = event.clientX + 16 + width > innerWidth ? event.clientX - 16 - width : event.clientX + 16;
    readout.style.left = `${Math.max(4, x)}px`;
    readout.style.top = `${Math.min(event.clientY + 16, innerHeight - height - 4)}px`;
  }

  function hide() {
    readout.hidden = true;
    for (const cursor of cursors) cursor.classList.remove('on');
  }

  for (const chart of charts) {
    const svg = document.querySelector(`#${chart.id} svg`);
    svg.addEventListener('pointerleave', hide);
    svg.addEventListener('pointermove', event => {
      const step = stepAt(svg, event);
      if (step === undefined) return hide();
      for (const cursor of cursors) {
        cursor.classList.add('on');
        cursor.setAttribute('transform', `translate(${step.x} 0)`);
      }
      describe(chart, step);
      readout.hidden = false;
      moveReadout(event);
    });
  }
})();

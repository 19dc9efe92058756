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

  const scaleOf = svg => {
    const [left, right] = [Number(svg.dataset.left), Number(svg.dataset.right)];
    return { left, span: svg.viewBox.baseVal.width - left - right };
  };

  function stepFrom(start, svg) {
    const { left, span } = scaleOf(svg);
    const middle = Math.min(start + stepSeconds / 2, spanSeconds);
    return { index: seconds.indexOf(start), start, x: left + (middle / spanSeconds) * span };
  }

  /** The step under the pointer: its number, and where it is on the chart. */
  function stepAt(svg, event) {
    const box = svg.getBoundingClientRect();
    const { left, span } = scaleOf(svg);
    const place = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const second = ((place - left) / span) * spanSeconds;
    if (second < 0 || second >= spanSeconds) return undefined;
    return stepFrom(Math.floor(second / stepSeconds) * stepSeconds, svg);
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

  function moveReadout({ clientX, clientY }) {
    const { width, height } = readout.getBoundingClientRect();
    const x = clientX + 16 + width > innerWidth ? clientX - 16 - width : clientX + 16;
    readout.style.left = `${Math.max(4, x)}px`;
    readout.style.top = `${Math.max(4, Math.min(clientY + 16, innerHeight - height - 4))}px`;
  }

  function hide() {
    readout.hidden = true;
    for (const cursor of cursors) cursor.classList.remove('on');
  }

  function show(chart, step, place) {
    if (step === undefined) return hide();
    for (const cursor of cursors) {
      cursor.classList.add('on');
      cursor.setAttribute('transform', `translate(${step.x} 0)`);
    }
    readout.hidden = false;
    describe(chart, step);
    moveReadout(place);
  }

  /** Where the cursor of a step is on the screen, which is scrolled there when the chart is wider. */
  function placeOf(svg, plot, { x }) {
    const inside = (x / svg.viewBox.baseVal.width) * svg.getBoundingClientRect().width;
    if (inside < plot.scrollLeft || inside > plot.scrollLeft + plot.clientWidth)
      plot.scrollLeft = inside - plot.clientWidth / 2;
    const box = svg.getBoundingClientRect();
    return { clientX: box.left + inside, clientY: box.top + box.height / 2 };
  }

  /** From which step to which one a key goes. */
  const moves = {
    ArrowRight: (at, last) => Math.min(at + 1, last),
    ArrowLeft: at => Math.max(at - 1, 0),
    Home: () => 0,
    End: (_, last) => last,
  };
  let current = -1;

  for (const chart of charts) {
    const plot = document.querySelector(`#${chart.id} .plot`);
    const svg = plot.querySelector('svg');
    const point = event => show(chart, stepAt(svg, event), event);
    svg.addEventListener('pointermove', point);
    svg.addEventListener('pointerdown', point);
    // A finger leaves as soon as it is lifted: what it asked for stays until it touches elsewhere.
    svg.addEventListener('pointerleave', event => event.pointerType === 'mouse' && hide());
    plot.addEventListener('blur', hide);
    plot.addEventListener('keydown', event => {
      if (event.key === 'Escape') return hide();
      const move = moves[event.key];
      if (move === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      current = move(current, seconds.length - 1);
      const step = stepFrom(seconds[current], svg);
      show(chart, step, placeOf(svg, plot, step));
    });
  }
  document.addEventListener('pointerdown', event => event.target.closest('svg') === null && hide());
})();

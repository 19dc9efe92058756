import { html, nothing } from './lit-html/lit-html.js';

/**
 * The fields of one form over one object. A field is named by the JSON pointer of what it is for in the body that is
 * sent, and has those faults below it that point there, or to something in it for which there is no field.
 */
export function createFields(changed) {
  let faults = [];
  const placed = new Set();

  const ownerOf = ({ pointer }) =>
    [...placed]
      .filter(place => pointer === place || pointer.startsWith(`${place}/`))
      .toSorted((a, b) => b.length - a.length)[0];
  const faultsAt = pointer => faults.filter(fault => ownerOf(fault) === pointer);
  const idOf = pointer => `field${pointer.replaceAll(/[^\w-]/g, '_')}`;

  /** A control with its name and its faults. `render` takes what every control has: `{ id, invalid, described }`. */
  function field(pointer, label, control, { hint, className = '' } = {}) {
    placed.add(pointer);
    const id = idOf(pointer);
    const own = faultsAt(pointer);
    const described = own.length > 0 ? `${id}-fault` : nothing;
    return html`<div class="field ${className}">
      <label for=${id}>${label}</label>
      ${control({ id, invalid: own.length > 0 ? 'true' : nothing, described })}
      ${hint ? html`<span class="quiet">${hint}</span>` : nothing}
      ${own.length > 0 ? html`<span class="error" id="${id}-fault">${own.map(({ detail }) => detail).join('; ')}</span>` : nothing}
    </div>`;
  }

  const set = (object, key, value) => {
    if (value === '' || value === undefined) delete object[key];
    else object[key] = value;
    changed();
  };

  /** An `<input>`; a number where it is of that type. */
  const input = (pointer, label, object, key, options = {}) => {
    const { type = 'text', placeholder = '', list = nothing } = options;
    const read = ({ target }) => {
      if (target.validity.badInput) return; // as 1e, on the way to 1e6
      set(object, key, type === 'number' && target.value !== '' ? Number(target.value) : target.value);
    };
    const control = ({ id, invalid, described }) =>
      html`<input id=${id} type=${type} step="any" min="0" autocomplete="off" spellcheck="false" placeholder=${placeholder} list=${list}
        aria-invalid=${invalid} aria-describedby=${described} .value=${String(object[key] ?? '')} @input=${read}>`;
    return field(pointer, label, control, options);
  };

  const area = (pointer, label, object, key, options = {}) => {
    const control = ({ id, invalid, described }) =>
      html`<textarea id=${id} rows=${options.rows ?? 2} spellcheck="false" placeholder=${options.placeholder ?? ''}
        aria-invalid=${invalid} aria-describedby=${described} .value=${object[key] ?? ''}
        @input=${({ target }) => {
          object[key] = target.value;
          changed();
        }}></textarea>`;
    return field(pointer, label, control, options);
  };

  /** A `<select>` of `[value, text]`; `choose` is told the value. */
  const select = (pointer, label, chosen, choices, choose, options = {}) => {
    const control = ({ id, invalid, described }) =>
      html`<select id=${id} aria-invalid=${invalid} aria-describedby=${described} @change=${({ target }) => {
        choose(target.value);
        changed();
      }}>${choices.map(([value, text]) => html`<option value=${value} .selected=${value === chosen}>${text}</option>`)}</select>`;
    return field(pointer, label, control, options);
  };

  /** What is said of several fields together, such as of a list of rows. */
  const note = pointer => {
    placed.add(pointer);
    const own = faultsAt(pointer);
    return own.length > 0
      ? html`<p class="error">${own.map(({ detail }) => detail).join('; ')}</p>`
      : nothing;
  };

  return {
    input,
    area,
    select,
    note,
    /** Whether something is said of this place, or of one in it. */
    isBlamed: place => faults.some(({ pointer }) => pointer === place || pointer.startsWith(`${place}/`)),
    /** Takes over the faults of an answer. */
    blame(found) {
      faults = found;
      changed();
    },
    /** Renders `content`, and before it what is said of no field that is there. */
    form(content) {
      placed.clear();
      let rendered = content();
      if (faults.length > 0) rendered = content(); // where each stands is known once all fields are there
      const unplaced = faults.filter(fault => ownerOf(fault) === undefined);
      return html`${
        unplaced.length === 0
          ? nothing
          : html`<ul class="faults error">${unplaced.map(({ pointer, detail }) => html`<li><code>${pointer || 'the body'}</code> ${detail}</li>`)}</ul>`
      }${rendered}`;
    },
  };
}

'use strict';
// A table that is sorted by its headers, filtered by words and shown a page at a time. Text is only ever set as text.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'onclick' || name === 'oninput') element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const DASH = '\u2014';

function fixed(value, digits = 2) {
  return value === null || value === undefined ? DASH : value.toFixed(digits);
}

// What a cell is sorted by: its number where it starts with one, else its words. Nothing measured comes last.
function rank(value) {
  if (typeof value === 'number') return value;
  if (value === null || value === undefined || value === '' || value === DASH) return null;
  const number = /^[-+]?[\d,]*\.?\d+(e[-+]?\d+)?/i.exec(value);
  return number ? parseFloat(number[0].replaceAll(',', '')) : String(value).toLowerCase();
}

function compare(a, b, down) {
  if (a === null || b === null) return (a === null) - (b === null);
  const mixed = typeof a !== typeof b;
  const order = mixed ? String(a).localeCompare(String(b)) : typeof a === 'number' ? a - b : a.localeCompare(b);
  return down ? -order : order;
}

// columns: {label, value(row), show?(row), sort?(row), text?, mixed?}: sorted by sort, else by value; not if mixed.
// options: {caption, page, rowClass?, filters?, empty?, sort?}
function grid(mount, columns, rows, options) {
  const size = options.page || 50;
  let [sorted, down] = options.sort || [null, false];
  let words = '';
  let shown = size;
  const head = make('tr');
  const body = make('tbody');
  const count = make('p', { class: 'note', role: 'status', 'aria-live': 'polite' });
  const more = make('button', { type: 'button', class: 'more', onclick: () => { shown += size * 4; draw(); } }, 'Show more');
  const table = make('table', {}, make('caption', {}, options.caption), make('thead', {}, head), body);
  const buttons = columns.map((column, index) => {
    const button = make('button', { type: 'button', class: 'sort', onclick: () => {
      down = sorted === index ? !down : !column.text;
      sorted = index;
      draw();
    } }, column.label);
    const label = column.mixed ? column.label : button;
    head.append(make('th', { scope: 'col', class: column.text ? 'text' : false }, label));
    return button;
  });

  function chosen() {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = rows.filter((row) => {
      if (options.filters && !options.filters(row)) return false;
      if (!wanted.length) return true;
      const text = columns.map((column) => column.value(row)).join(' ').toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
    if (sorted === null) return kept;
    const key = columns[sorted].sort || columns[sorted].value;
    const ranked = kept.map((row) => [rank(key(row)), row]);
    return ranked.sort((a, b) => compare(a[0], b[0], down)).map(([, row]) => row);
  }

  function line(row) {
    const cells = columns.map((column, index) => {
      const shape = index === 0 ? ['th', { scope: 'row' }] : ['td', {}];
      const grey = column.grey && column.grey(row) ? ' grey' : '';
      const content = column.show ? column.show(row) : column.value(row);
      return make(shape[0], { ...shape[1], class: (column.text ? 'text' : '') + grey || false },
        content === null || content === undefined || content === '' ? DASH : content);
    });
    return make('tr', { class: options.rowClass ? options.rowClass(row) : false }, ...cells);
  }

  function draw() {
    const kept = chosen();
    body.replaceChildren(...kept.slice(0, shown).map(line));
    buttons.forEach((button, index) => {
      const order = index !== sorted ? 'none' : down ? 'descending' : 'ascending';
      if (!columns[index].mixed) button.parentElement.setAttribute('aria-sort', order);
    });
    const visible = Math.min(shown, kept.length);
    count.textContent = kept.length ? `${visible} of ${kept.length} rows` : options.empty || 'No row fits.';
    count.hidden = rows.length <= 3 && kept.length > 0;
    more.hidden = kept.length <= shown;
  }

  const search = make('input', { type: 'search', 'aria-label': `Search: ${options.caption}`, placeholder: 'Search',
    oninput: (event) => { words = event.target.value; shown = size; draw(); } });
  const scroll = make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': options.caption }, table);
  mount.replaceChildren(...(rows.length > 3 ? [search] : []), scroll, count, more);
  draw();
  return { draw: () => { shown = size; draw(); }, rows: chosen };
}

// Fill a place when it comes into view: hundreds of tables then cost nothing until they are read.
function whenSeen(element, fill) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    fill();
  }, { rootMargin: '600px' });
  observer.observe(element);
}

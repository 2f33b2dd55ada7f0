// What is behind a number: its runs, their receipts and configs.

const data = JSON.parse(document.getElementById('data').textContent);
const byKey = new Map(data.models.map((model) => [model.key, model]));
const byRun = new Map(data.runs.map((run) => [run.id, run]));
const dialog = document.getElementById('details');

function setting(model) {
  return model.setting === null ? '' : data.settings[model.setting].label;
}

function safe(path) {
  return path.split('/').map(encodeURIComponent).join('/');
}

function files(run) {
  if (!run.files.length) return make('p', { class: 'note' }, 'No file of this run is within reach of this page.');
  const links = run.files.map((name) => make('li', {}, make('a', { href: `${safe(run.link)}/${safe(name)}` }, name)));
  return make('ul', { class: 'files' }, ...links);
}

function block(name, values) {
  const lines = Object.entries(values).map(([key, value]) =>
    make('tr', {}, make('th', { scope: 'row', class: 'text' }, key), make('td', { class: 'text' }, value === null ? DASH : String(value))));
  return make('table', {}, make('caption', {}, name), make('tbody', {}, ...lines));
}

function receipt(run) {
  const marks = run.older ? ' (older code)' : '';
  const title = `${run.id}: ${run.status}${marks}` + (run.miou === null ? '' : `, mIoU ${fixed(run.miou)} %`);
  const values = make('details', {}, make('summary', {}, 'The receipt on this page'));
  values.addEventListener('toggle', () => {
    if (values.childElementCount > 1 || !run.receipt) return;
    values.append(...Object.entries(run.receipt).map(([name, content]) => block(name, content)));
  });
  return make('section', {}, make('h3', {}, title), run.reason ? make('p', {}, run.reason) : null, files(run), run.receipt ? values : null);
}

function open(title, ...content) {
  const close = make('button', { type: 'button', class: 'close', onclick: () => dialog.close() }, 'Close');
  dialog.replaceChildren(close, make('h2', { id: 'details-title' }, title), ...content);
  if (!dialog.open) dialog.showModal();
  close.focus();
}

function openModel(key) {
  const model = byKey.get(key);
  if (!model) return;
  const marks = model.marks.length ? make('p', { class: 'note' }, `Marks: ${model.marks.join(', ')}.`) : null;
  open(`${model.id}, ${setting(model)}`, marks, ...model.runs.map((index) => receipt(data.runs[index])));
}

function openRun(id) {
  const run = byRun.get(id);
  if (run) open('A run that is evidence', receipt(run));
}

// A long name is broken after a slash or an underscore rather than within a word.
function breakable(text) {
  return String(text).split(/(?<=[/_])/).flatMap((part, place) => (place ? [make('wbr'), part] : [part]));
}

// The header of a row is in the tab order, its other numbers are there for the mouse.
function opener(key, text, first) {
  return make('button', { type: 'button', class: 'number', tabindex: first ? '0' : '-1', 'aria-haspopup': 'dialog',
    onclick: () => openModel(key) }, ...breakable(text));
}

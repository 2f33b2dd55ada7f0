// Put the parts together.

function verdict(answer, told) {
  const kind = answer.split(' ')[0];
  // What its runs fall short in stands before it in a text and behind it here, where it may take a line of its own.
  const limits = told.endsWith(`: ${answer}`) ? told.slice(0, -answer.length - 2) : '';
  const named = make('span', { class: `verdict ${kind}` }, make('span', { 'aria-hidden': 'true' }, data.signs[answer] || '\u25CB'), ` ${answer}`);
  return limits ? make('span', {}, named, ` (${limits})`) : named;
}

function plainTable(mount) {
  const table = data.tables[mount.dataset.table];
  const columns = table.columns.map((label, place) => ({
    label,
    text: table.text[place],
    mixed: table.mixed[place],
    value: (row) => row.cells[place],
    sort: table.sorts[place] && ((row) => table.sorts[place][row.index]),
    grey: (row) => row.mark === 'smoke' && table.scores[place] && row.cells[place] !== DASH,
    show: (row) => {
      const text = row.cells[place];
      if (place !== 0 && (table.text[place] || text === DASH)) return text;
      if (row.key) return opener(row.key, text, place === 0);
      return row.file ? make('a', { href: safe(row.file), class: 'number', tabindex: place === 0 ? '0' : '-1' }, ...breakable(text)) : text;
    },
  }));
  const rows = table.rows.map((cells, index) => ({ cells, index, mark: table.marks[index], key: table.keys[index], file: table.files[index] }));
  grid(mount, columns, rows, { caption: mount.dataset.caption, rowClass: (row) => row.mark });
}

function modelTable(mount) {
  const columns = [
    { label: 'Model', text: true, value: (m) => m.id, show: (m) => opener(m.key, m.id, true) },
    { label: 'Setting', text: true, value: (m) => setting(m) },
    { label: 'mIoU (%)', value: (m) => m.miou, show: (m) => (m.miou === null ? DASH : bar(m)), grey: (m) => m.smoke },
    { label: '95 % over seeds', value: (m) => m.low, show: (m) => interval(m), grey: (m) => m.smoke },
    { label: 'Documented', value: (m) => m.documented, show: (m) => (m.documented === null ? DASH : `${m.documented}${m.split ? ` (${m.split})` : ''}`) },
    { label: 'Deviation', value: (m) => m.deviation, show: (m) => fixed(m.deviation), grey: (m) => m.smoke },
    ...[['Pixel acc. (%)', 'pixel', 2], ['GFLOPs', 'gflops', 2], ['Params (M)', 'params', 2], ['Latency p50 (ms)', 'latency', 1],
      ['Inference (GiB)', 'inference', 2], ['Training (GiB)', 'training', 2]].map(([label, key, digits]) => (
      { label, value: (m) => m[key], show: (m) => (m[key] === null ? DASH : opener(m.key, fixed(m[key], digits), false)), grey: (m) => m.smoke && key === 'pixel' })),
    { label: 'Timed on', text: true, value: (m) => m.device },
    { label: 'Status', text: true, value: (m) => [m.status, ...m.marks].join('; ') },
  ];
  const controls = make('div', { class: 'controls' });
  const body = make('div');
  mount.replaceChildren(controls, body);
  const shown = filtered(controls, 'models', [
    ['Report', (m) => [m.report]], ['Setting', (m) => [setting(m)]], ['Status', (m) => [m.status, ...m.marks]],
  ], data.models, () => table.draw());
  const table = grid(body, columns, data.models, { caption: 'Every model that was run', sort: [2, true], filters: shown, rowClass: mark });
}

function mark(model) {
  return model.miou === null ? 'failed' : model.smoke ? 'smoke' : 'ok';
}

// Menus that keep the rows with a value; returns the test that a row must pass.
function filtered(mount, name, properties, rows, changed) {
  const tests = properties.map(([label, values]) => {
    const id = `${name}-${label.toLowerCase().replaceAll(' ', '-')}`;
    const choices = [...new Set(rows.flatMap(values))].filter(Boolean).sort();
    const select = make('select', { id, oninput: changed }, make('option', { value: '' }, 'all'),
      ...choices.map((choice) => make('option', { value: choice }, choice)));
    mount.append(make('label', { for: id }, `${label} `, select));
    return (row) => !select.value || values(row).includes(select.value);
  });
  return (row) => tests.every((test) => test(row));
}

function claims(mount) {
  const controls = make('div', { class: 'controls' });
  const body = make('div');
  mount.replaceChildren(controls, body);
  const shown = filtered(controls, 'claims', [
    ['Report', (c) => [c.report]], ['Verdict', (c) => [c.answer]], ['Budget', (c) => [c.budget]], ['Method', (c) => [c.method]], ['Own data', (c) => [c.own]],
  ], data.claims, () => table.draw());
  const table = grid(body, [
    { label: 'Claim', text: true, value: (c) => c.id, show: (c) => make('button', { type: 'button', class: 'number', 'aria-haspopup': 'dialog', onclick: () => openClaim(c) }, c.id) },
    { label: 'Statement', text: true, value: (c) => c.statement },
    { label: 'Verdict', text: true, value: (c) => c.told, show: (c) => verdict(c.answer, c.told) },
    { label: 'Setting', text: true, value: (c) => c.setting },
    { label: 'Effect', text: true, mixed: true, value: (c) => c.effect },
    { label: 'Why', text: true, value: (c) => c.reason },
    { label: 'Evidence', text: true, value: (c) => c.evidence.join(' '), show: (c) => (c.evidence.length ? runs(c.evidence, 2) : DASH) },
    { label: "The report's own data", text: true, value: (c) => [c.own, c.known].filter(Boolean).join(': ') },
    { label: 'Report', text: true, value: (c) => c.report },
  ], data.claims, { caption: 'Claims', filters: shown, empty: data.claims.length ? 'No claim fits.' : 'No claims are known here.' });
}

function runs(ids, most) {
  const shown = ids.slice(0, most).map((id) => make('button', { type: 'button', class: 'number', 'aria-haspopup': 'dialog', onclick: () => openRun(id) }, ...breakable(id)));
  const rest = ids.length > most ? [make('span', { class: 'note' }, `and ${ids.length - most} more`)] : [];
  return make('span', { class: 'runs' }, ...shown, ...rest);
}

function openClaim(claim) {
  const facts = [['Section', claim.section], ['Documented', claim.magnitude], ['Speaks of', claim.experiments.join(', ')], ['Method', claim.method],
    ['How it is checked', claim.how], ['Hangs on', claim.needs.join(', ')], ["The report's own data", [claim.own, claim.known].filter(Boolean).join(': ')],
    // Each setting below says why it was judged as it was.
    ['Why', claim.verdicts.length ? '' : claim.reason]];
  const list = make('dl', {}, ...facts.filter(([, text]) => text).flatMap(([name, text]) => [make('dt', {}, name), make('dd', {}, text)]));
  const judged = claim.verdicts.map((one) => make('section', {}, make('h3', {}, one.setting ? `${one.setting}: ` : '', verdict(one.answer, one.told)),
    make('p', {}, one.reason || `Effect: ${one.effect}.`),
    one.seeds === DASH ? null : make('p', { class: 'note' }, `Seeds: ${one.seeds}.`),
    make('ul', {}, ...one.findings.map((text) => make('li', {}, text))), runs(one.evidence, 40)));
  open(`${claim.id}: ${claim.statement}`, list, ...judged);
}

// An address that ends in a claim, #K07, opens it.
function follow(hash) {
  const claim = data.claims.find((one) => encodeURIComponent(one.id) === hash.slice(1));
  if (claim) openClaim(claim);
}

// A menu of settings over one table or gallery.
function chosenFrom(mount, id, label, choices, show) {
  const body = make('div');
  const select = make('select', { id, oninput: () => show(body, choices[Number(select.value)]) },
    ...choices.map((choice, index) => make('option', { value: index }, choice.label)));
  mount.replaceChildren(make('div', { class: 'controls' }, make('label', { for: id }, `${label} `, select)), body);
  if (choices.length) show(body, choices[0]);
  else body.replaceChildren(make('p', {}, 'Nothing was scored yet.'));
}

function classes(mount) {
  const choices = data.classes.map((one) => ({ ...one, label: one.setting }));
  chosenFrom(mount, 'classes-setting', 'Setting', choices, (body, one) => grid(body, [
    { label: 'Model', text: true, value: (row) => row.id, show: (row) => opener(row.key, row.id, true) },
    ...one.names.map((label, place) => ({ label, value: (row) => row.iou[place], grey: () => one.smoke,
      show: (row) => (row.iou[place] === null ? DASH : opener(row.key, fixed(row.iou[place], 1), false)) })),
  ], one.rows, { caption: `IoU of each class (%) on ${one.setting}` }));
}

function images(mount) {
  const choices = data.images.map((one) => ({ ...one, label: `${one.id} · ${one.setting}` }));
  chosenFrom(mount, 'images-model', 'Model', choices, (body, one) => {
    const kept = ([, , panels]) => panels && one.link;
    const cards = one.images.map((image) => make('li', { class: 'image' },
      make('h3', {}, image[0], make('span', { class: one.smoke ? 'grey' : 'note' }, ` ${fixed(image[1], 1)} % mIoU`)),
      kept(image) ? gallery(one.link, image[0], image[3]) : null));
    const lacking = one.images.length - one.images.filter(kept).length;
    const note = lacking ? make('p', { class: 'note' }, `Pictures of ${lacking} of these ${one.images.length} are not stored here.`) : null;
    body.replaceChildren(...[note, make('ol', { class: 'images' }, ...cards)].filter(Boolean));
  });
}

function gallery(link, stem, scales = []) {
  const base = `${safe(link)}/${safe(stem)}`;
  const picture = (ending, name) => make('img', { src: `${base}_${ending}`, alt: `${stem}: ${name}`, loading: 'lazy' });
  const titled = (name, ...content) => make('figure', {}, make('div', { class: 'stack' }, ...content), make('figcaption', {}, name));
  return make('div', { class: 'gallery' }, titled('image', picture('image.jpg', 'image')), titled('truth', picture('truth.png', 'truth')),
    titled('prediction', picture('prediction.png', 'prediction')),
    titled('difference: black is right', picture('truth.png', 'truth'), picture('prediction.png', 'difference of prediction and truth')),
    ...scales.map((scale) => titled(`attention to scale ${scale}: white is all`, picture(`attention_${scale}.png`, `attention to scale ${scale}`))));
}

function theme() {
  const button = document.getElementById('theme');
  const wished = matchMedia('(prefers-color-scheme: dark)');
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : wished.matches);
  const show = () => button.setAttribute('aria-pressed', String(isDark()));
  button.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; show(); });
  wished.addEventListener('change', show);
  show();
}

theme();
dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
addEventListener('hashchange', () => follow(location.hash));
// A link that is followed a second time changes no address.
addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) follow(link.hash);
});
chooser(document.getElementById('chooser-body'));
for (const [id, fill] of [['claims-body', claims], ['models-body', modelTable], ['classes-body', classes], ['images-body', images]]) {
  const mount = document.getElementById(id);
  whenSeen(mount, () => fill(mount));
}
for (const mount of document.querySelectorAll('[data-table]')) whenSeen(mount, () => plainTable(mount));
follow(location.hash);

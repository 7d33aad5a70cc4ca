/**
 * The page of a screen: something to look at, or a form. It asks the program that shows it how things stand once a second, and says
 * what was answered.
 */

/** Milliseconds. */
const ASK_EVERY = 1000;
const LOST_AFTER = 8000;
/** More options than these are searched; so many of them are seen at once. */
const SEARCHED = 12;
const LISTED = 4;
const STATES = { waiting: 'Waiting', running: 'Under way', done: 'Done', failed: 'Failed', skipped: 'Skipped' };
const MARKS = { waiting: '·', running: '▸', done: '✓', failed: '✕', skipped: '–' };

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** Changes nothing that is as it should be: what is read aloud is read once, and nothing flickers. */
const say = (id, text) => {
  if (at(id).textContent !== text) at(id).textContent = text;
};
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const element = (name, text = '', className = '') => {
  const made = document.createElement(name);
  made.textContent = text;
  if (className !== '') made.className = className;
  return made;
};

const page = crypto.randomUUID();
let state = null;
let answeredAt = performance.now();
let lost = false;

// How things stand

async function ask() {
  try {
    const answer = await fetch('state', { cache: 'no-store', signal: AbortSignal.timeout(LOST_AFTER) });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    state = await answer.json();
    answeredAt = performance.now();
    lost = false;
  } catch {
    lost = performance.now() - answeredAt > LOST_AFTER;
  }
  if (state !== null) show();
}

async function askForEver() {
  for (;;) {
    await ask();
    await sleep(ASK_EVERY);
  }
}

function post(path, body) {
  return fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

function seen() {
  post('seen', { page, visible: document.visibilityState === 'visible' }).catch(() => setTimeout(seen, ASK_EVERY));
}

// What is shown

function show() {
  const { title, view, form } = state;
  if (document.title !== title) document.title = title;
  const kind = form === null ? 'view' : 'form';
  at('screen').dataset.kind = kind;
  at('view').hidden = kind !== 'view';
  at('form').hidden = kind !== 'form';
  say(`${kind}-title`, title);
  lines(at(`${kind}-lines`), state.lines);
  facts(at(`${kind}-facts`), state.facts);
  const icon = at(`${kind}-icon`);
  if (icon.getAttribute('src') !== state.icon) icon.setAttribute('src', state.icon);
  if (view !== null) showView(view);
  if (form !== null) showForm(form);
  else asked = null;
}

/** Puts what is to stand in a list there, unless it does already. */
function fill(list, what, made) {
  const wanted = JSON.stringify(what);
  if (list.dataset.shown === wanted) return;
  list.dataset.shown = wanted;
  list.replaceChildren(...made());
}

function lines(place, texts) {
  fill(place, texts, () => texts.map((text) => element('p', text)));
}

function facts(place, all) {
  place.hidden = all.length === 0;
  fill(place, all, () => all.flatMap(({ label, value }) => [element('dt', label), element('dd', value)]));
}

function showView({ steps, bar, newest, escape }) {
  const list = at('steps');
  list.hidden = steps.length === 0;
  fill(list, steps, () =>
    steps.map(({ name, state: now, note }) => {
      const item = element('li', '', now);
      const mark = element('span', MARKS[now], 'mark');
      mark.setAttribute('aria-hidden', 'true');
      if (now === 'running') item.setAttribute('aria-current', 'step');
      item.append(mark, element('span', name), element('span', note || STATES[now], 'state'));
      return item;
    }),
  );
  list.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  at('bar').hidden = bar === null;
  if (bar !== null) {
    at('bar').setAttribute('aria-valuemax', String(bar.total));
    at('bar').setAttribute('aria-valuenow', String(bar.done));
    at('bar').setAttribute('aria-valuetext', `${bar.done} of ${bar.total}`);
    at('bar').style.setProperty('--share', `${bar.total > 0 ? (100 * Math.min(bar.done, bar.total)) / bar.total : 0}%`);
  }
  say('newest', newest);
  say('note', lost ? 'The program that shows this does not answer.' : '');
  at('escape').hidden = escape === null;
  say('escape', escape ?? '');
}

// The form

/** The form that is shown, as it was first seen. */
let asked = null;

function showForm(form) {
  if (asked?.id !== form.id) begin(form);
  if (asked === null) return;
  // Its own clock runs on between two answers; the program's corrects it.
  asked.until = form.left === null ? null : performance.now() + form.left * 1000;
  asked.countdown = form.countdown;
  count();
}

function begin(form) {
  // A form that came back with what is wrong with it: the page knows already.
  asked = { id: form.id, until: null, countdown: '', buttons: form.buttons, sending: false };
  at('fields').replaceChildren(...form.fields.map(fieldOf));
  at('buttons').replaceChildren(
    ...form.buttons.map(({ id, label }, index) => {
      const button = element('button', label);
      button.type = index === 0 ? 'submit' : 'button';
      if (index > 0) button.addEventListener('click', () => void answer(id));
      return button;
    }),
  );
  faults(form.faults);
  const wrong = at('fields').querySelector('[aria-invalid="true"]');
  const first = wrong ?? at('fields').querySelector('input, select') ?? at('buttons').querySelector('button');
  first?.focus();
  if (first instanceof HTMLInputElement && first.type === 'text') first.select();
}

function fieldOf(field) {
  const place = element('div', '', 'field');
  const id = `field-${field.name}`;
  const label = element('label', field.label);
  label.htmlFor = id;
  const input = field.kind === 'choice' ? choiceOf(field) : textOf(field);
  const search = field.kind === 'choice' && field.options.length > SEARCHED ? searchOf(input, field) : null;
  input.id = id;
  input.name = field.name;
  if (field.required !== null) input.setAttribute('aria-required', 'true');
  const fault = element('p', '', 'fault');
  fault.id = `fault-${field.name}`;
  fault.hidden = true;
  input.setAttribute('aria-describedby', fault.id);
  place.append(label, ...(search === null ? [] : [search]), input, fault);
  return place;
}

function textOf({ secret, value }) {
  const input = element('input');
  input.type = secret ? 'password' : 'text';
  input.value = value;
  input.autocomplete = 'off';
  input.autocapitalize = 'off';
  input.spellcheck = false;
  return input;
}

function choiceOf({ options, value }) {
  const list = element('select');
  const none = element('option', '');
  none.value = '';
  const isListed = options.length > SEARCHED;
  if (isListed) list.size = LISTED;
  // Nothing is chosen until somebody chooses.
  if (!isListed && !options.some((option) => option.value === value)) list.append(none);
  for (const option of options) {
    const made = element('option', option.label);
    made.value = option.value;
    list.append(made);
  }
  list.value = value;
  return list;
}

/** A list that is too long to be looked through is narrowed by what is typed; what is chosen already stays in it. */
function searchOf(list, { label }) {
  const search = element('input');
  search.type = 'search';
  search.placeholder = 'Search';
  search.setAttribute('aria-label', `Search: ${label}`);
  search.autocomplete = 'off';
  search.spellcheck = false;
  search.addEventListener('input', () => {
    const words = search.value.toLowerCase().split(' ').filter(Boolean);
    for (const option of list.options) {
      const text = option.textContent.toLowerCase();
      option.hidden = !option.selected && !words.every((word) => text.includes(word));
    }
    const [only, ...more] = [...list.options].filter((option) => option.value !== '' && !option.hidden);
    if (words.length > 0 && only !== undefined && more.length === 0) list.value = only.value;
  });
  search.addEventListener('keydown', (event) => {
    // Down leads into the list.
    if (event.key !== 'ArrowDown') return;
    event.preventDefault();
    list.focus();
  });
  return search;
}

function faults(found) {
  for (const input of at('fields').querySelectorAll('[name]')) {
    const text = found[input.name] ?? '';
    const place = at(`fault-${input.name}`);
    place.textContent = text;
    place.hidden = text === '';
    if (input.name in found) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  }
  const all = found[''] ?? '';
  at('fault').hidden = all === '' && Object.keys(found).length === 0;
  say('fault', all || Object.values(found).filter(Boolean).join(' '));
  // What is wrong with a field stands below it as well; it is read aloud once.
  if (all === '') at('fault').classList.add('spoken');
  else at('fault').classList.remove('spoken');
}

function count() {
  if (asked === null) return;
  if (asked.until === null || asked.sending) {
    say('countdown', '');
    return;
  }
  const left = Math.max(0, Math.ceil((asked.until - performance.now()) / 1000));
  const text = asked.countdown.replace('%s', left === 1 ? '1 second' : `${left} seconds`);
  say('countdown', text);
  // Read aloud now and then, not every second.
  if (left % 10 === 0 || left === 5) say('spoken', text);
}

async function answer(button) {
  if (asked === null || asked.sending) return;
  const { id } = asked;
  asked.sending = true;
  const values = Object.fromEntries(
    [...at('fields').querySelectorAll('[name]')].map((input) => [input.name, input.value]),
  );
  for (const one of at('buttons').querySelectorAll('button')) one.disabled = true;
  try {
    const said = await post('answer', { id, button, values });
    if (!said.ok && said.status !== 422 && said.status !== 409) throw new Error(`HTTP ${said.status}`);
    // What comes next is asked for at once.
    await ask();
  } catch {
    if (asked?.id === id) faults({ '': 'That did not get through. Please try again.' });
  } finally {
    if (asked?.id === id) {
      asked.sending = false;
      for (const one of at('buttons').querySelectorAll('button')) one.disabled = false;
    }
  }
}

// Keys and beginnings

at('form').addEventListener('submit', (event) => {
  event.preventDefault();
  if (asked !== null) void answer(asked.buttons[0].id);
});
at('escape').addEventListener('click', () => void post('escape', {}).then(ask, () => undefined));
addEventListener('keydown', (event) => {
  // A window that has no frame is not to be reloaded, printed, searched or left by chance.
  if (event.key === 'F5' || event.key === 'F11') event.preventDefault();
  if ((event.ctrlKey || event.metaKey) && 'rpfswtnloud'.includes(event.key.toLowerCase())) event.preventDefault();
});
addEventListener('contextmenu', (event) => event.preventDefault());
document.addEventListener('visibilitychange', seen);
// Where no window manager makes a window as large as the screen, it does so itself.
if (outerWidth < screen.width || outerHeight < screen.height) {
  moveTo(0, 0);
  resizeTo(screen.width, screen.height);
}
setInterval(count, 250);
requestAnimationFrame(() => requestAnimationFrame(seen));
await askForEver();

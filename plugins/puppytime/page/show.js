/**
 * The page of a show. It asks the program that shows it how things stand once a second, and says what it was told. All images
 * that were shown stay with the page: when nobody answers any more, it goes on with those and says so.
 */

/** Milliseconds. */
const ASK_EVERY = 1000;
const LOST_AFTER = 6000;
/** Images kept for when nobody answers any more. */
const KEPT = 24;

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** Changes nothing that is as it should be: what is read aloud is read once. */
const say = (id, text) => {
  if (at(id).textContent !== text) at(id).textContent = text;
};

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

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

/** Tells that there is a window, and whether anything of it can be seen. */
async function tell(path, body) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
}

function seen() {
  tell('seen', { page, visible: document.visibilityState === 'visible' }).catch(() => setTimeout(seen, ASK_EVERY));
}

// What is shown

function show() {
  const { title, question, progress, installer, over } = state;
  document.title = title;
  say('title', title);
  const asks = question !== null && !lost && installer !== 'gone';
  at('question').hidden = !asks;
  at('stage').hidden = asks;
  at('stage').style.setProperty('--size', state.size === null ? '100%' : `${state.size}px`);
  if (asks) showQuestion(question);
  else asked = null;
  at('progress').hidden = asks || (progress === null && !over && !lost);
  at('show').dataset.view = asks ? 'question' : over ? 'over' : 'progress';
  at('show').classList.toggle('gone', lost || installer === 'gone');
  showProgress(progress);
  say('note', lost || installer === 'gone' ? state.texts.gone : '');
}

function showProgress(progress) {
  const bar = at('bar');
  if (progress === null) {
    say('message', state.over ? state.texts.over : '');
    say('count', '');
    bar.removeAttribute('aria-valuenow');
    return;
  }
  const { message, done, total } = progress;
  say('message', message);
  say('count', total > 0 ? `${done} of ${total}` : '');
  if (total > 0) {
    bar.setAttribute('aria-valuemax', String(total));
    bar.setAttribute('aria-valuenow', String(done));
    bar.style.setProperty('--share', `${(100 * Math.min(done, total)) / total}%`);
  } else {
    bar.removeAttribute('aria-valuenow');
  }
}

// The question

/** The question that is shown, as it was first seen. */
let asked = null;

function showQuestion(question) {
  if (asked?.id !== question.id) begin(question);
  // Its own clock runs on between two answers; the program's corrects it.
  asked.until = performance.now() + question.left * 1000;
  count();
}

function begin(question) {
  asked = { id: question.id, until: 0, given: false };
  say('heading', question.heading);
  say('text', question.text);
  say('continue', question.labels.continue);
  say('postpone', question.labels.postpone ?? '');
  at('postpone').hidden = question.labels.postpone === null;
  const picture = at('picture');
  picture.hidden = question.picture === null;
  if (question.picture !== null) picture.src = question.picture;
  for (const button of [at('continue'), at('postpone')]) button.disabled = false;
  at(question.byItself).focus();
}

function count() {
  if (asked === null || state?.question === null) return;
  const left = Math.max(0, Math.ceil((asked.until - performance.now()) / 1000));
  const text = asked.given ? '' : state.question.countdown.replace('%s', left === 1 ? '1 second' : `${left} seconds`);
  say('countdown', text);
  // Read aloud now and then, not every second.
  if (left % 10 === 0 || left === 5) say('spoken', text);
}

async function answer(choice) {
  if (asked === null || asked.given) return;
  asked.given = true;
  for (const button of [at('continue'), at('postpone')]) button.disabled = true;
  try {
    await tell('answer', { question: asked.id, answer: choice });
  } catch {
    asked.given = false;
    for (const button of [at('continue'), at('postpone')]) button.disabled = false;
  }
}

// Slides

/** What was shown, newest last: path, address in this page, caption. */
const kept = [];
let place = -1;
let showing = 'slide-b';

/** The next image there is: of those the program has, else of those kept. An image that is none is passed over. */
async function next() {
  const slides = state === null || lost ? [] : state.slides;
  for (let tries = 0; tries < slides.length; tries += 1) {
    place = (place + 1) % slides.length;
    const slide = await keep(slides[place]);
    if (slide !== null) return slide;
  }
  if (kept.length === 0) return null;
  place += 1;
  return kept[place % kept.length];
}

async function keep({ path, caption }) {
  const known = kept.find((slide) => slide.path === path);
  if (known !== undefined) return { ...known, caption };
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(LOST_AFTER) });
    if (!answer.ok) return null;
    const url = URL.createObjectURL(await answer.blob());
    const probe = new Image();
    probe.src = url;
    try {
      await probe.decode();
    } catch {
      URL.revokeObjectURL(url);
      return null;
    }
    kept.push({ path, url, caption });
    if (kept.length > KEPT) URL.revokeObjectURL(kept.shift().url);
    return kept.at(-1);
  } catch {
    return null;
  }
}

async function turnForEver() {
  for (;;) {
    const began = performance.now();
    const slide = state === null || at('stage').hidden ? null : await next();
    if (slide !== null) await turnTo(slide);
    const pause = slide === null ? 250 : state.seconds * 1000;
    await sleep(Math.max(250, pause - (performance.now() - began)));
  }
}

async function turnTo({ url, caption }) {
  if (at(showing).src !== url) {
    const other = showing === 'slide-a' ? 'slide-b' : 'slide-a';
    at(other).src = url;
    await at(other)
      .decode()
      .catch(() => undefined);
    at(showing).classList.remove('now');
    at(other).classList.add('now');
    showing = other;
  }
  say('caption', state.captions ? caption : state.texts.caption);
}

// Keys and beginnings

at('picture').addEventListener('error', () => {
  at('picture').hidden = true;
});
at('continue').addEventListener('click', () => void answer('continue'));
at('postpone').addEventListener('click', () => void answer('postpone'));
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && asked !== null && !at('postpone').hidden) void answer('postpone');
  // A window that has no frame is not to be reloaded, printed or searched by chance.
  if (event.key === 'F5' || ((event.ctrlKey || event.metaKey) && 'rpfs'.includes(event.key))) event.preventDefault();
});
addEventListener('contextmenu', (event) => event.preventDefault());
document.addEventListener('visibilitychange', seen);
setInterval(count, 250);
requestAnimationFrame(() => requestAnimationFrame(seen));
void turnForEver();
await askForEver();

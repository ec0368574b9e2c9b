'use strict';
/* The try-on wizard: your photo, the item, then where and for how much. Going back loses nothing,
   and the server keeps the draft. */
(() => {
  const page = document.querySelector('[data-wizard]');
  const steps = [...page.querySelectorAll('[data-step]')];
  const zones = Object.fromEntries([...page.querySelectorAll('[data-drop]')].map((zone) => [zone.dataset.role, zone]));
  const frame = page.querySelector('[data-frame]');
  const adjust = page.querySelector('[data-adjust]');
  const problem = page.querySelector('[data-problem]');
  const say = page.querySelector('[data-fit]');
  const next = document.querySelector('[data-next]');
  const go = document.querySelector('[data-send]');
  const chosen = {person: null, item: null, box: null};
  let step = 1;

  const zone = () => page.querySelector('[name=zone]:checked').value;
  const roleOf = (number) => ['person', 'item'][number - 1];

  // --- steps -----------------------------------------------------------------------------

  function show(number) {
    step = number;
    for (const one of steps) one.hidden = Number(one.dataset.step) !== step;
    for (const dot of document.querySelectorAll('[data-dot]')) mark(dot);
    next.hidden = step === 3;
    go.hidden = step !== 3;
    ready();
    scrollTo(0, 0);
    if (step === 3) lookWhere();
  }

  function mark(dot) {
    const number = Number(dot.dataset.dot);
    dot.classList.toggle('is-done', number < step);
    if (number === step) dot.setAttribute('aria-current', 'step');
    else dot.removeAttribute('aria-current');
  }

  function ready() {
    next.disabled = step < 3 && !chosen[roleOf(step)];
    studio.main();
  }

  function forward(number) {
    history.pushState({step: number}, '');
    show(number);
    steps[number - 1].querySelector('[data-question]').focus({preventScroll: true});
  }

  /** Back is the browser's own where we came from the step before, else a step of its own. */
  function back(event) {
    if (step === 1) return;
    event.preventDefault();
    if (history.state?.step > 1) history.back();
    else show(step - 1);
  }

  addEventListener('popstate', ({state}) => show(state?.step || first()));
  document.querySelector('[data-back]').addEventListener('click', back);
  next.addEventListener('click', () => forward(step + 1));

  /** Where the page opens: at the first thing that is not chosen yet. */
  const first = () => (!chosen.person ? 1 : !chosen.item ? 2 : 3);

  // --- photos ----------------------------------------------------------------------------

  function took(role, photo) {
    if (chosen[role]?.code !== photo.code) chosen.box = null;
    chosen[role] = photo;
    hint(role, photo.hints);
    recall(role, photo);
    const image = page.querySelector(`[data-shows=${role}]`);
    image.src = role === 'person' ? photo.url : photo.thumb_url;
    if (role === 'person') image.parentElement.style.setProperty('--ratio', photo.width / photo.height);
    ready();
  }

  function hint(role, hints) {
    const box = zones[role].closest('[data-step]').querySelector('[data-hints]');
    box.textContent = (hints || []).map(({message}) => message).join(' ');
    box.hidden = !box.textContent;
  }

  /** Mark what is chosen among the photos sent before; add it where it is new. */
  function recall(role, photo) {
    const list = zones[role].closest('[data-step]').querySelector('[data-recent]');
    if (!list.querySelector(`[data-code="${photo.code}"]`)) list.prepend(remembered(list, photo));
    for (const one of list.querySelectorAll('[data-code]')) {
      one.setAttribute('aria-pressed', one.dataset.code === photo.code);
    }
    list.closest('[data-earlier]').hidden = false;
  }

  function remembered(list, photo) {
    const one = document.querySelector('[data-recent-template]').content.firstElementChild.cloneNode(true);
    const {code, url, thumb_url: thumb, width, height, placeholder} = photo;
    Object.assign(one.dataset, {code, url, thumb, width, height, placeholder});
    if (photo.hints?.length) one.dataset.hinted = '';
    one.querySelector('img').src = thumb;
    return one;
  }

  for (const [role, one] of Object.entries(zones)) {
    one.addEventListener('photo', ({detail}) => { took(role, detail); keep({[role]: detail.code}); });
  }

  page.addEventListener('click', ({target}) => {
    const one = target.closest('[data-recent] [data-code]');
    if (one) choose(one.closest('[data-step]').querySelector('[data-drop]'), studio.drop.described(one));
  });

  async function choose(where, photo) {
    studio.drop.hold(where, photo);
    if (!photo.hinted) return;
    const known = await studio.api('GET', `/api/v1/photos/${photo.code}/`).catch(() => photo);
    if (chosen[where.dataset.role].code === known.code) hint(where.dataset.role, known.hints);
  }

  // --- the draft -------------------------------------------------------------------------

  let saving = Promise.resolve();
  /** In order, so that the last choice is the one that stays. A lost draft is no disaster. */
  function keep(change) {
    saving = saving.then(() => studio.api('PATCH', '/api/v1/draft/', change)).catch(() => null);
  }

  // --- where it goes ---------------------------------------------------------------------

  let question = 0;
  async function lookWhere() {
    const mine = ++question;
    if (chosen.box) return;
    quiet();
    const answer = await studio.api('GET', `/api/v1/photos/${chosen.person.code}/fit/?zone=${zone()}`).catch(() => null);
    if (mine !== question || !answer || chosen.box) return;
    if (answer.box) suggest(answer.box);
    else letDraw(answer.message);
  }

  function quiet() {
    for (const one of [say, frame, adjust, problem]) one.hidden = true;
    studio.frame.fix(frame);
  }

  function suggest(box) {
    studio.frame.place(frame, box);
    adjust.hidden = false;
  }

  function letDraw(message) {
    say.textContent = message;
    say.hidden = !message;
    adjust.hidden = true;
    if (frame.hidden) studio.frame.place(frame, null);
    studio.frame.free(frame);
    chosen.box = frame.box;
  }

  frame.addEventListener('frame', ({detail}) => { chosen.box = detail; });
  adjust.addEventListener('click', () => { letDraw(say.dataset.drag); frame.focus(); });
  page.addEventListener('change', ({target}) => {
    if (target.name !== 'zone') return;
    chosen.box = null;
    keep({zone: zone()});
    lookWhere();
  });

  // --- sending ---------------------------------------------------------------------------

  function wish() {
    const {person, item, box} = chosen;
    const asked = {tool: 'tryon', person: person.code, item: item.code, zone: zone()};
    return box ? {...asked, box: box.map((part) => Math.round(part * 10000) / 10000)} : asked;
  }

  go.addEventListener('click', async () => {
    problem.hidden = true;
    try {
      const job = await studio.asking.send(go, wish());
      await saving;
      await studio.api('DELETE', '/api/v1/draft/').catch(() => null);
      studio.asking.follow(go, job);
    } catch (error) {
      refused(error);
    }
  });

  function refused(error) {
    if (error.fields?.includes?.('box')) letDraw(error.message);
    else studio.asking.explain(problem, error);
  }

  // --- the beginning ---------------------------------------------------------------------

  /** The draft, then what the address names: `?person=` and `?item=`. */
  async function begin() {
    const asked = new URLSearchParams(location.search);
    for (const [role, one] of Object.entries(zones)) {
      const code = asked.get(role);
      const named = code && await studio.api('GET', `/api/v1/photos/${encodeURIComponent(code)}/`).catch(() => null);
      if (named) studio.drop.hold(one, named);
      else if (one.dataset.code) await choose(one, studio.drop.described(one));
    }
    show(first());
    page.setAttribute('aria-busy', 'false');
  }
  begin();
})();

'use strict';
/* The editor: a picture, words, the next picture. The last result is the next base; any earlier
   picture can be the base again. The same words can go to the assistant (see talk.js). */
studio.editor = (() => {
  const page = document.querySelector('[data-editor]');
  const stream = document.querySelector('[data-stream]');
  const form = document.querySelector('[data-composer]');
  const OPEN = ['queued', 'running', 'waiting'];
  const THINKING = OPEN.map((state) => `[data-talk-turn][data-state="${state}"]`).join();
  const NEAR = 0.9;
  const MARGINS = 76 + 12;  // what edit.css keeps free for the strip, and above the composer
  const before = [];
  let base = described(page.querySelector('[data-current]'));

  // --- the picture that is edited --------------------------------------------------------

  /** The photo that an element of the page describes (_photo_data.html). */
  function described({dataset: {code, url, width, height, placeholder}}) {
    return {code, url, placeholder, ratio: width / height};
  }

  /** Change the picture that the next words are about. */
  function use(photo) {
    base = photo;
    const box = page.querySelector('[data-current]');
    box.style.setProperty('--ratio', photo.ratio);
    box.querySelector('[data-under]').src = photo.placeholder;
    for (const image of page.querySelectorAll('[data-image]')) image.src = photo.url;
    page.querySelector('[data-open]').href = `/pictures/${photo.code}/`;
    form.querySelector('[data-reshape]').href = `/pictures/${photo.code}/reshape/`;
    history.replaceState(history.state, '', `?photo=${photo.code}`);
    mark();
  }

  /** Links live ten minutes, and a page may be open for longer. */
  async function renew() {
    if (base.renewed) return;
    const photo = await studio.api('GET', `/api/v1/photos/${base.code}/`).catch(() => null);
    if (photo?.code === base.code) use({...photo, ratio: base.ratio, renewed: true});
  }

  function mark() {
    page.querySelector('[data-current]').style.setProperty('--ratio', base.ratio);
    for (const one of stream.querySelectorAll('[data-use]')) {
      one.setAttribute('aria-pressed', one.dataset.code === base.code);
    }
    document.querySelector('[data-undo]').hidden = !earlier();
  }

  function picked({target}) {
    const one = target.closest('[data-use]');
    if (!one || one.dataset.code === base.code) return retried(target);
    before.push(base);
    use(described(one));
    studio.haptic('light');
  }

  /** What undo goes back to: the base before, or after a reload what the picture was made from. */
  function earlier() {
    if (before.length) return before.at(-1);
    const bubble = stream.querySelector(`[data-use][data-code="${base.code}"]`)?.closest('[data-base]');
    const parent = bubble && stream.querySelector(`[data-use][data-code="${bubble.dataset.base}"]`);
    return parent ? described(parent) : null;
  }

  function undo() {
    const photo = earlier();
    before.pop();
    if (photo) use(photo);
  }

  /** Whatever is scrolled to stops above the composer, as high as it is now. */
  function makeRoom() {
    const {style} = document.documentElement;
    new ResizeObserver(() => style.setProperty('--composer', `${form.offsetHeight}px`)).observe(form);
  }

  /** While the stream is read, the picture is a strip at the top. */
  function collapse() {
    const big = page.querySelector('[data-current]');
    const strip = page.querySelector('[data-strip]');
    new IntersectionObserver(([seen]) => {
      strip.classList.toggle('is-shown', !seen.isIntersecting);
    }, {rootMargin: '-72px 0px 0px'}).observe(big);
  }

  // --- words -----------------------------------------------------------------------------

  const WISHES = {
    edit: (prompt) => ({tool: 'edit', base: base.code, prompt}),
    assistant: (message) => ({tool: 'assistant', photo: base.code, message}),
  };

  function compose() {
    const words = form.elements.prompt;
    words.addEventListener('input', wrote);
    words.addEventListener('keydown', (event) => {
      const sends = event.key === 'Enter' && !event.shiftKey && !event.isComposing;
      if (sends) { event.preventDefault(); send('edit', form.querySelector('[data-send]')); }
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      send('edit', form.querySelector('[data-send]'));
    });
    form.addEventListener('click', ({target}) => {
      const idea = target.closest('[data-idea]');
      if (idea) suggest(idea.textContent.trim());
      const talk = target.closest('[data-talk]');
      if (talk) send('assistant', talk);
    });
    wrote();
  }

  function suggest(text) {
    const words = form.elements.prompt;
    words.value = words.value.trim() ? `${words.value.trim()}, ${text}` : text;
    wrote();
    words.focus();
  }

  function wrote() {
    const words = form.elements.prompt;
    const talk = form.querySelector('[data-talk]');
    const long = [...words.value.trim()].length;
    fit(words);
    form.querySelector('[data-send]').disabled = !long;
    if (talk) talk.disabled = !long || long > talk.dataset.most || Boolean(stream.querySelector(THINKING));
    count(long, Number(talk?.dataset.most || Infinity), words.maxLength);
  }

  /** Near a limit its counter comes: first the assistant's, then that of words at all. */
  function count(long, talks, most) {
    const box = form.querySelector('[data-counter]');
    const number = (value) => value.toLocaleString(document.documentElement.lang);
    const limit = long <= talks ? talks : most;
    const text = long > talks && long < most * NEAR ? box.dataset.over.replace('{limit}', number(talks)) : box.dataset.near;
    box.hidden = long < talks * NEAR;
    box.textContent = text.replace('{count}', number(long)).replace('{limit}', number(limit));
  }

  /** As high as its words, where CSS cannot see to it. */
  function fit(box) {
    if (CSS.supports('field-sizing', 'content')) return;
    box.style.setProperty('height', 'auto');
    box.style.setProperty('height', `${box.scrollHeight}px`);
  }

  async function send(tool, button) {
    const words = form.elements.prompt;
    const text = words.value.trim();
    if (!text || button.disabled) return;
    words.value = '';
    wrote();
    const job = await ask(tool, text, button);
    if (!job && !words.value) words.value = text;
    wrote();
  }

  // --- the stream ------------------------------------------------------------------------

  /** Send words; they are in the stream at once. Resolves to the job, or null: then it says why. */
  async function ask(tool, text, button) {
    const bubble = copy('[data-sending]', text);
    add(bubble);
    try {
      const job = await studio.asking.send(button, WISHES[tool](text));
      await follow(job, bubble);
      return job;
    } catch (problem) {
      refused(bubble, {tool, text, problem});
      return null;
    } finally {
      prices();
    }
  }

  /** The job as a bubble of the stream, live, in the place of the one that was there. */
  async function follow(job, before) {
    const bubble = await studio.live.fetched(`/jobs/${job.code}/?fragment=bubble`);
    if (!bubble) return location.assign(`/jobs/${job.code}/`);
    stream.querySelector(`[data-job="${job.code}"]`)?.remove();
    before.replaceWith(bubble);
    reveal(bubble);
    studio.live.watch(bubble);
    if (!OPEN.includes(bubble.dataset.state)) ended({target: bubble, detail: bubble.dataset});
    wrote();
  }

  function copy(template, text) {
    const bubble = document.querySelector(template).content.firstElementChild.cloneNode(true);
    bubble.querySelector('[data-prompt]').textContent = text;
    return bubble;
  }

  function add(bubble) {
    stream.append(bubble);
    reveal(bubble);
  }

  /** Its end, or its beginning where it is longer than the room between strip and composer. */
  function reveal(bubble) {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const room = innerHeight - form.offsetHeight - MARGINS;
    const block = bubble.offsetHeight > room ? 'start' : 'end';
    bubble.scrollIntoView({block, behavior: still ? 'auto' : 'smooth'});
  }

  function refused(bubble, {tool, text, problem}) {
    const fresh = copy('[data-refused]', text);
    fresh.querySelector('[data-instead]').hidden = tool !== 'assistant' || problem.code !== 'not_enough';
    bubble.replaceWith(fresh);
    studio.asking.explain(fresh, problem);
    reveal(fresh);
  }

  /** A new result is the base of what comes next, unless another was chosen meanwhile. */
  function ended({target, detail}) {
    const one = target.querySelector('[data-use]');
    if (detail.state === 'done' && one && target.dataset.base === base.code) {
      before.push(base);
      use(described(one));
    }
    mark();
    wrote();
    prices();
    reveal(target);
  }

  /** What the next ones cost: the kind that pays may have run out. */
  function prices() {
    for (const tool of Object.keys(WISHES)) {
      if (document.querySelector(`[data-price="${tool}"]`)) studio.price.show(tool).catch(() => null);
    }
  }

  async function retried(target) {
    const button = target.closest('[data-retry]');
    if (!button) return;
    try {
      const job = await studio.asking.send(button, undefined, button.dataset.retry);
      button.hidden = true;
      const bubble = copy('[data-sending]', button.closest('.turn').querySelector('.turn__words').textContent);
      add(bubble);
      await follow(job, bubble);
    } catch (problem) {
      studio.toast(problem.message);
    }
  }

  stream.addEventListener('click', picked);
  document.querySelector('[data-undo]').addEventListener('click', undo);
  document.addEventListener('job-ended', ended);
  page.querySelector('.shot [data-image]').addEventListener('error', renew);
  collapse();
  makeRoom();
  compose();
  mark();

  return {ask, fit};
})();

'use strict';
/* The editor: a picture, words, the next picture. The last result is the next base; any earlier
   picture can be the base again. */
(() => {
  const page = document.querySelector('[data-editor]');
  const stream = document.querySelector('[data-stream]');
  const form = document.querySelector('[data-composer]');
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

  /** While the stream is read, the picture is a strip at the top. */
  function collapse() {
    const big = page.querySelector('[data-current]');
    const strip = page.querySelector('[data-strip]');
    new IntersectionObserver(([seen]) => {
      strip.classList.toggle('is-shown', !seen.isIntersecting);
    }, {rootMargin: '-72px 0px 0px'}).observe(big);
  }

  // --- words -----------------------------------------------------------------------------

  function compose() {
    const words = form.elements.prompt;
    words.addEventListener('input', wrote);
    words.addEventListener('keydown', (event) => {
      const sends = event.key === 'Enter' && !event.shiftKey && !event.isComposing;
      if (sends) { event.preventDefault(); send(); }
    });
    form.addEventListener('submit', (event) => { event.preventDefault(); send(); });
    form.addEventListener('click', ({target}) => {
      const idea = target.closest('[data-idea]');
      if (idea) suggest(idea.textContent.trim());
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
    words.style.setProperty('--lines', Math.min(5, words.value.split('\n').length));
    form.querySelector('[data-send]').disabled = !words.value.trim();
  }

  async function send() {
    const words = form.elements.prompt;
    const button = form.querySelector('[data-send]');
    const prompt = words.value.trim();
    if (!prompt || button.disabled) return;
    try {
      const job = await studio.asking.send(button, {tool: 'edit', base: base.code, prompt});
      words.value = '';
      await follow(job);
    } catch (problem) {
      refused(prompt, problem);
    }
    wrote();
    studio.price.show('edit').catch(() => null);
  }

  // --- the stream ------------------------------------------------------------------------

  /** The job as a bubble of the stream, live. */
  async function follow(job) {
    const bubble = await studio.live.fetched(`/jobs/${job.code}/?fragment=bubble`);
    if (!bubble) return location.assign(`/jobs/${job.code}/`);
    add(bubble);
    studio.live.watch(bubble);
  }

  function add(bubble) {
    stream.append(bubble);
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    bubble.scrollIntoView({block: 'end', behavior: still ? 'auto' : 'smooth'});
  }

  function refused(prompt, problem) {
    const bubble = document.querySelector('[data-refused]').content.firstElementChild.cloneNode(true);
    bubble.querySelector('[data-prompt]').textContent = prompt;
    studio.asking.explain(bubble, problem);
    stream.querySelector('[data-stays]')?.remove();
    add(bubble);
  }

  /** A new result is the base of what comes next, unless another was chosen meanwhile. */
  function ended({target, detail}) {
    const one = target.querySelector('[data-use]');
    if (detail.state !== 'done' || !one) return mark();
    if (target.dataset.base !== base.code) return mark();
    before.push(base);
    use(described(one));
    target.scrollIntoView({block: 'end'});
  }

  async function retried(target) {
    const button = target.closest('[data-retry]');
    if (!button) return;
    try {
      const job = await studio.asking.send(button, undefined, button.dataset.retry);
      button.hidden = true;
      await follow(job);
    } catch (problem) {
      studio.toast(problem.message);
    }
  }

  stream.addEventListener('click', picked);
  document.querySelector('[data-undo]').addEventListener('click', undo);
  document.addEventListener('job-ended', ended);
  page.querySelector('.shot [data-image]').addEventListener('error', renew);
  collapse();
  compose();
  mark();
})();

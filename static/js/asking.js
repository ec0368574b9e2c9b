'use strict';
/* Asking for a picture: one request for one tap, and problems in place. */
studio.asking = (() => {
  const keys = new Map();

  /** The key stands for one wish, kept through failures: several may be on their way at once. */
  function keyFor(sent) {
    if (!keys.has(sent)) keys.set(sent, studio.uuid());
    return keys.get(sent);
  }

  /** Send a job once, however often the button is tapped. Resolves to the job; throws a problem. */
  async function send(button, body, path = '/api/v1/jobs/') {
    const sent = path + JSON.stringify(body);
    busy(button, true);
    try {
      const job = await studio.api('POST', path, body, {key: keyFor(sent)});
      keys.delete(sent);
      return job;
    } catch (problem) {
      throw Object.assign(problem, {wish: body});
    } finally {
      busy(button, false);
    }
  }

  function busy(button, is) {
    button.disabled = is;
    button.setAttribute('aria-busy', is);
  }

  /** Go to the job's page; the button stays busy until the page is gone. */
  function follow(button, job) {
    busy(button, true);
    location.assign(`/jobs/${job.code}/`);
  }

  /** What went wrong, in place: what happened, that nothing was charged, and the way on. */
  function explain(box, problem) {
    const [first] = Object.values(problem.fields || {}).flat();
    const text = problem.code === 'invalid' && typeof first === 'string' ? first : problem.message;
    box.querySelector('[data-what]').textContent = text;
    const calm = box.querySelector('[data-uncharged]');
    if (calm) calm.hidden = text.includes(calm.textContent.trim());
    offer(box.querySelector('[data-top-up]'), problem);
    box.hidden = false;
    box.scrollIntoView({block: 'nearest'});
    studio.haptic('error');
  }

  /** Where money is missing, the way on is to top up: the wish is kept and goes on by itself. */
  function offer(way, {code, wish, missing}) {
    if (!way) return;
    way.hidden = code !== 'not_enough';
    way.onclick = (event) => {
      event.preventDefault();
      topUp(way, wish, missing?.amount || 0);
    };
  }

  async function topUp(way, wish, missing) {
    way.setAttribute('aria-busy', true);
    const kept = wish && await studio.api('POST', '/api/v1/errands/', wish).catch(() => null);
    way.removeAttribute('aria-busy');
    const about = kept ? '?' + new URLSearchParams({errand: kept.code, tool: wish.tool, missing}) : '';
    location.assign(way.getAttribute('href') + about);
  }

  // A page that comes back from the browser's memory must not keep its button busy.
  window.addEventListener('pageshow', ({persisted}) => {
    if (!persisted) return;
    for (const button of document.querySelectorAll('[aria-busy="true"]')) busy(button, false);
  });

  return {send, follow, explain};
})();

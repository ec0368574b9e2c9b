'use strict';
/* Asking for a picture: one request for one tap, and problems in place. */
studio.asking = (() => {
  let last = {sent: '', key: ''};

  /** The key stands for one wish: kept through failures, a new one when the wish changes. */
  function keyFor(sent) {
    if (last.sent !== sent) last = {sent, key: studio.uuid()};
    return last.key;
  }

  /** Send a job once, however often the button is tapped. Resolves to the job; throws a problem. */
  async function send(button, body, path = '/api/v1/jobs/') {
    busy(button, true);
    try {
      const job = await studio.api('POST', path, body, {key: keyFor(path + JSON.stringify(body))});
      last = {sent: '', key: ''};
      return job;
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
    box.hidden = false;
    box.scrollIntoView({block: 'nearest'});
    studio.haptic('error');
  }

  // A page that comes back from the browser's memory must not keep its button busy.
  window.addEventListener('pageshow', ({persisted}) => {
    if (!persisted) return;
    for (const button of document.querySelectorAll('[aria-busy="true"]')) busy(button, false);
  });

  return {send, follow, explain};
})();

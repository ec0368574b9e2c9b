'use strict';
/* After paying: watch until it is settled, then go on with what was interrupted. */
(() => {
  const OPEN = ['created', 'pending'];
  const FIRST_MS = 500;
  const LONGEST_MS = 2000;
  const LOOK_EVERY = 4;
  const LONG_MS = 60_000;
  const begun = Date.now();
  const current = () => document.querySelector('[data-payment]');
  const isOpen = () => OPEN.includes(current().dataset.status);

  let asked = 0;
  let waiting = 0;
  let pause = FIRST_MS;

  // --- until it is settled ---------------------------------------------------------------

  /** Every few times the gateway itself is asked; in between, what we know. */
  async function ask() {
    clearTimeout(waiting);
    const {url, check} = current().dataset;
    const look = asked % LOOK_EVERY === 0;
    asked += 1;
    const payment = await studio.api(look ? 'POST' : 'GET', look ? check : url).catch(() => null);
    if (payment) await heard(payment);
    if (isOpen()) again();
  }

  function again() {
    clearTimeout(waiting);
    pause = Math.min(pause * 1.5, LONGEST_MS);
    waiting = setTimeout(ask, pause);
    const calm = document.querySelector('[data-long]');
    if (calm && Date.now() - begun > LONG_MS && calm.textContent !== calm.dataset.says) calm.textContent = calm.dataset.says;
  }

  async function heard(payment) {
    if (payment.status !== current().dataset.status || payment.page !== current().dataset.page) await redraw();
    if (!OPEN.includes(payment.status)) ended(payment);
  }

  /** The page as the server has it now takes the place of this one. */
  async function redraw() {
    const answer = await fetch(location.href, {headers: {Accept: 'text/html'}}).catch(() => null);
    if (!answer?.ok || answer.redirected) return location.reload();
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('[data-payment]');
    current().replaceWith(document.adoptNode(fresh));
    current().focus({preventScroll: true});
    studio.main();
  }

  function ended({status}) {
    studio.haptic(status === 'succeeded' ? 'success' : 'error');
    if (current().dataset.errand && status === 'succeeded') follow(current().dataset.errand);
  }

  // --- what was interrupted --------------------------------------------------------------

  /** It begins by itself; this only waits for it, and knocks in case nobody heard the bell. */
  async function follow(errand) {
    for (let tries = 0; tries < 20; tries += 1) {
      const path = `/api/v1/errands/${errand}/`;
      const knock = tries % 5 === 2;
      const found = await studio.api(knock ? 'POST' : 'GET', knock ? path + 'run/' : path).catch((problem) => problem);
      if (found.job) return location.replace(`/jobs/${found.job}/`);
      if (found.ended_at || found.status === 404) return stopped(found.error);
      await new Promise((go) => setTimeout(go, Math.min(250 * (tries + 1), LONGEST_MS)));
    }
    stopped(null);
  }

  /** It cannot go on: say why, and that what was paid for is there. */
  function stopped(error) {
    const box = document.querySelector('[data-problem]');
    document.querySelector('[data-going]').hidden = true;
    document.querySelector('[data-home]').hidden = false;
    if (error) {
      box.querySelector('[data-what]').textContent = error.message;
      box.hidden = false;
    }
    studio.main();
  }

  function wake() {
    if (document.visibilityState !== 'visible' || !isOpen()) return;
    asked = 0;
    pause = FIRST_MS;
    ask();
  }

  document.addEventListener('visibilitychange', wake);
  window.addEventListener('focus', wake);
  window.addEventListener('online', wake);
  window.addEventListener('pageshow', ({persisted}) => { if (persisted) wake(); });
  if (isOpen()) ask();
  else if (current().dataset.status === 'succeeded' && current().dataset.errand) follow(current().dataset.errand);
})();

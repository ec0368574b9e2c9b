'use strict';
/* Inside Telegram the page signs in by itself; in a browser the bot asks, and the page waits. */
(() => {
  const LOOK_MS = 2000;
  const STATES = ['browser', 'telegram', 'failed', 'waiting', 'late'];
  const door = document.querySelector('[data-door]');
  const part = (name) => door.querySelector(`[data-${name}]`);
  const onward = () => location.replace(door.dataset.next);

  function show(name) {
    for (const one of STATES) if (part(one)) part(one).hidden = one !== name;
  }

  function failed(problem) {
    if (problem.code === 'login_expired') return show('late');
    part('why').textContent = problem.message;
    show('failed');
  }

  async function enter() {
    show('telegram');
    const telegram = await studio.ready;
    if (!telegram) return show('browser');
    try {
      await studio.api('POST', door.dataset.session, {init_data: telegram.initData});
      onward();
    } catch (problem) {
      failed(problem);
    }
  }

  // --- in a browser: begun here, confirmed in the chat ---------------------------------------

  async function begin({currentTarget: button}) {
    button.disabled = true;
    try {
      const {nonce, link, number, seconds} = await studio.api('POST', door.dataset.login);
      part('link').href = link;
      part('number').textContent = number;
      show('waiting');
      part('link').focus();
      if (await said(`${door.dataset.login}${nonce}/`, Date.now() + seconds * 1000)) onward();
      else show('late');
    } catch (problem) {
      failed(problem);
    }
    button.disabled = false;
  }

  /** Whether the person has said yes before the end. */
  async function said(url, end) {
    while (Date.now() < end) {
      await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
      if ((await studio.api('GET', url).catch(forgive)).done) return true;
    }
    return false;
  }

  /** No connection, or a busy server: the next look may fare better. */
  function forgive(problem) {
    if (problem.status && problem.status < 500 && problem.status !== 429) throw problem;
    return {done: false};
  }

  for (const button of door.querySelectorAll('[data-begin]')) button.addEventListener('click', begin);
  part('again').addEventListener('click', (event) => (studio.inside ? enter() : begin(event)));
  if (studio.inside) enter();
})();

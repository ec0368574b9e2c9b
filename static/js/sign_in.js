'use strict';
/* Inside Telegram the page signs in by itself and goes on. */
(() => {
  const door = document.querySelector('[data-door]');
  const part = (name) => door.querySelector(`[data-${name}]`);

  function show(name) {
    for (const one of ['browser', 'telegram', 'failed']) part(one).hidden = one !== name;
  }

  async function enter() {
    show('telegram');
    const telegram = await studio.ready;
    if (!telegram) return show('browser');
    try {
      await studio.api('POST', door.dataset.session, {init_data: telegram.initData});
      location.replace(door.dataset.next);
    } catch (problem) {
      part('why').textContent = problem.message;
      show('failed');
    }
  }

  part('again').addEventListener('click', enter);
  if (studio.inside) enter();
})();

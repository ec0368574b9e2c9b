'use strict';
/* News about the plan: read, they go. */
(() => {
  document.querySelector('[data-notices]').addEventListener('click', async ({target}) => {
    const {close} = target.dataset;
    if (!close) return;
    target.disabled = true;
    try {
      await studio.api('POST', close);
      target.closest('[data-notice]').remove();
    } catch (problem) {
      studio.toast(problem.message);
      target.disabled = false;
    }
  });
})();

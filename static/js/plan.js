'use strict';
/* The plan on the profile: stop renewing, renew again. */
(() => {
  async function change(button, path) {
    button.disabled = true;
    try {
      await studio.api('POST', path);
      location.reload();
    } catch (problem) {
      studio.toast(problem.message);
      button.disabled = false;
    }
  }

  document.querySelector('[data-plan]').addEventListener('click', async ({target}) => {
    const {end, resume} = target.dataset;
    if (resume) return change(target, resume);
    if (end && await studio.sheet(document.querySelector('[data-end-sheet]')) === 'end') await change(target, end);
  });
})();

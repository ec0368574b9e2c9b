'use strict';
/* The editor's door: the photo that is sent, or one sent before, opens the editor around it. */
(() => {
  const open = (code) => location.assign(`${location.pathname}?photo=${code}`);
  document.addEventListener('photo', ({detail}) => open(detail.code));
  document.addEventListener('click', ({target}) => {
    const one = target.closest?.('[data-recent] [data-code]');
    if (one) open(one.dataset.code);
  });
})();

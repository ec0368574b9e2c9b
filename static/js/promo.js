'use strict';
/* A promo code at the prices: credits at once, or a discount that the checkout counts. */
(() => {
  const form = document.querySelector('[data-promo]');
  const button = form.querySelector('button');
  const says = form.querySelector('[data-says]');

  function say(text, wrong = false) {
    says.textContent = text;
    says.classList.toggle('is-wrong', wrong);
    says.hidden = false;
  }

  /** "20 credits are yours", in the words of the page. */
  function given(number) {
    const {givenOne, givenFew, givenMany} = form.dataset;
    const sample = {one: givenOne, many: givenMany};
    const kind = new Intl.PluralRules(document.documentElement.lang).select(number);
    return (sample[kind] || givenFew).replace(/\d+/, number);
  }

  async function use(event) {
    event.preventDefault();
    const code = form.elements.code.value.trim();
    button.disabled = true;
    try {
      const {credits} = await studio.api('POST', form.dataset.url, {code});
      say(given(credits));
      studio.haptic('success');
      await goOn();
    } catch (problem) {
      if (problem.code === 'promo_not_for_this') keep(code);
      else say(problem.message, true);
    }
    button.disabled = false;
  }

  /** The checkout finds it there, in this tab only. */
  function keep(code) {
    sessionStorage.setItem('promo', code);
    say(form.dataset.later);
  }

  /** What was begun may be payable now. */
  async function goOn() {
    if (!form.dataset.errand) return;
    const {job} = await studio.api('POST', `/api/v1/errands/${form.dataset.errand}/run/`);
    if (job) location.assign(`/jobs/${job}/`);
  }

  form.addEventListener('submit', use);
})();

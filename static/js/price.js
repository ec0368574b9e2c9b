'use strict';
/* The price of a tool in words, as it is now. */
studio.price = (() => {
  const SAMPLES = {one: 'One', two: 'Few', few: 'Few', many: 'Many', other: 'Few'};

  /** "2 credits", from a quote of the API, in the words of _units.html. */
  function words({unit, amount}) {
    const said = document.querySelector('[data-units]').dataset;
    if (unit === 'plan' && !amount) return said.included;
    const language = document.documentElement.lang;
    const many = language === 'ru' ? 'Many' : 'Few';
    const sample = amount ? SAMPLES[new Intl.PluralRules(language).select(amount)] : many;
    return said[unit + sample].replace(/\d+/, amount);
  }

  /** Ask what it costs now and write it wherever the page says the price (of this tool). */
  async function show(tool, count = 1) {
    const quote = await studio.api('GET', `/api/v1/quote/?tool=${tool}&count=${count}`);
    const boxes = document.querySelectorAll(`[data-price=""], [data-price="${tool}"]`);
    for (const box of boxes) box.textContent = words(quote);
    studio.main();
    return quote;
  }

  return {words, show};
})();

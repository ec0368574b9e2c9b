'use strict';
/* Checkout: a way to pay, a code, one order however often the button is tapped. */
(() => {
  const form = document.querySelector('[data-order]');
  if (!form) return;
  const send = document.querySelector('[data-send]');
  const says = form.querySelector('[data-says]');
  const box = form.querySelector('[data-problem]');
  const code = form.elements.promo;
  let discount = null;

  const way = () => form.querySelector('[name=gateway]:checked');

  // --- the price -------------------------------------------------------------------------

  /** "239,20 ₽", as the server writes it. */
  function words(amount, currency) {
    const places = Number.isInteger(Number(amount)) ? 0 : 2;
    const number = new Intl.NumberFormat(document.documentElement.lang, {minimumFractionDigits: places, maximumFractionDigits: places});
    return `${number.format(amount)} ${currency === 'XTR' ? '⭐' : '₽'}`;
  }

  function price() {
    const {currency, words: full} = way().dataset;
    const now = discount ? words(discount.prices[currency], currency) : full;
    for (const one of document.querySelectorAll('[data-price]')) one.textContent = now;
    const before = document.querySelector('[data-before]');
    before.textContent = full;
    before.hidden = !discount;
    for (const one of form.querySelectorAll('[data-for]')) one.hidden = one.dataset.for !== way().value;
    studio.main();
  }

  // --- the code --------------------------------------------------------------------------

  async function apply() {
    const wanted = code.value.trim();
    discount = null;
    says.hidden = true;
    if (wanted) await ask(wanted);
    price();
  }

  async function ask(wanted) {
    try {
      discount = await studio.api('POST', form.dataset.check, {code: wanted, product: form.dataset.product});
      say(says.dataset.good.replace('{percent}', discount.percent), false);
      sessionStorage.setItem('promo', wanted);
    } catch (problem) {
      say(problem.message, true);
      sessionStorage.removeItem('promo');
    }
  }

  function say(text, wrong) {
    says.textContent = text;
    says.classList.toggle('is-wrong', wrong);
    says.hidden = false;
  }

  // --- the order -------------------------------------------------------------------------

  function order() {
    const {product, errand} = form.dataset;
    return {
      product,
      gateway: way().value,
      contact: form.elements.contact?.value.trim() || '',
      save_method: Boolean(form.elements.save_method?.checked),
      promo: discount ? discount.code : '',
      errand: errand || null,
    };
  }

  let key = null;
  let sent = '';
  /** One key for one order: what was changed is another order. */
  function keyFor(body) {
    const text = JSON.stringify(body);
    if (text !== sent) [key, sent] = [studio.uuid(), text];
    return key;
  }

  async function pay(event) {
    event.preventDefault();
    if (send.disabled) return;
    box.hidden = true;
    busy(true);
    try {
      if (code.value.trim() && !discount) await apply();
      if (code.value.trim() && !discount) return busy(false);
      const body = order();
      const payment = await studio.api('POST', form.dataset.url, body, {key: keyFor(body)});
      sessionStorage.removeItem('promo');
      follow(payment);
    } catch (problem) {
      key = problem.status === 502 ? studio.uuid() : key;
      explain(problem);
      busy(false);
    }
  }

  function busy(is) {
    send.disabled = is;
    send.setAttribute('aria-busy', is);
  }

  function explain(problem) {
    const [first] = Object.values(problem.fields || {}).flat();
    box.querySelector('[data-what]').textContent = first || problem.message;
    const calm = box.querySelector('[data-uncharged]');
    calm.hidden = problem.message.includes(calm.textContent.trim());
    box.hidden = false;
    box.scrollIntoView({block: 'nearest'});
    studio.haptic('error');
  }

  /** To the gateway's page; inside Telegram it opens above or beside ours, which watches. */
  function follow({code: number, page, gateway}) {
    const ours = `/pay/${number}/`;
    const {telegram} = studio;
    if (telegram && page && gateway === 'stars') return telegram.openInvoice(page, () => location.assign(ours));
    if (telegram && page) telegram.openLink(page);
    location.assign(page && !telegram && gateway !== 'stars' ? page : ours);
  }

  /** Inside Telegram digital goods are sold in Stars, where they have a price in Stars. */
  async function begin() {
    const stars = form.querySelector('[name=gateway][value=stars]');
    if (stars && await studio.ready) {
      stars.checked = true;
      form.querySelector('fieldset').hidden = true;
    }
    code.value = sessionStorage.getItem('promo') || '';
    await apply();
    busy(false);
  }

  form.addEventListener('change', ({target}) => { if (target.name === 'gateway') price(); });
  form.querySelector('[data-apply]').addEventListener('click', apply);
  form.addEventListener('submit', pay);
  window.addEventListener('pageshow', ({persisted}) => { if (persisted) busy(false); });
  begin();
})();

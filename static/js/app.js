'use strict';
/* What every page shares: the API, Telegram, toasts, sheets, before/after. One name: studio. */
window.studio = (() => {
  const root = document.documentElement;
  const said = () => document.body.dataset;

  // --- the API ---------------------------------------------------------------------------

  /** Ask the API. Resolves to its JSON (null for 204); throws {code, message, fields, status}. */
  async function api(method, path, body, {key} = {}) {
    let answer;
    try {
      answer = await fetch(path, request(method, body, key));
    } catch {
      throw problem({code: 'offline', message: said().offline}, 0);
    }
    if (answer.status === 204) return null;
    const data = await answer.json().catch(() => ({}));
    if (answer.ok) return data;
    if (data.error?.code === 'not_signed_in' && !path.endsWith('/session/')) signInAgain();
    throw problem(data.error || {code: 'server_error', message: said().broken}, answer.status);
  }

  function request(method, body, key) {
    const headers = {'X-CSRFToken': document.querySelector('meta[name=csrf]').content};
    if (key) headers['Idempotency-Key'] = key;
    const form = body instanceof FormData;
    if (body && !form) headers['Content-Type'] = 'application/json';
    return {method, headers, body: form || !body ? body : JSON.stringify(body)};
  }

  function problem(error, status) {
    const short = error.missing?.amount;
    const message = short ? said().missing.replace('{count}', short) : error.message;
    return Object.assign(new Error(message), error, {status, message});
  }

  function signInAgain() {
    const here = location.pathname + location.search;
    location.assign(said().signIn + '?next=' + encodeURIComponent(here));
  }

  /** A random UUID; crypto.randomUUID is missing where the page is not https. */
  function uuid() {
    if (crypto.randomUUID) return crypto.randomUUID();
    return '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (digit) =>
      (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16));
  }

  // --- what floats -----------------------------------------------------------------------

  let fading;
  /** Say something in passing. */
  function toast(text) {
    const box = document.querySelector('[data-toast]');
    box.textContent = text;
    box.classList.add('is-shown');
    clearTimeout(fading);
    fading = setTimeout(() => box.classList.remove('is-shown'), 2000 + text.length * 50);
  }

  /** Open a <dialog class="sheet">; resolves to the value of the button that closed it. */
  function sheet(dialog) {
    dialog.returnValue = '';
    dialog.showModal();
    backButton();
    return new Promise((resolve) => {
      dialog.addEventListener('close', () => { backButton(); resolve(dialog.returnValue); }, {once: true});
    });
  }

  document.addEventListener('click', ({target}) => {
    if (target.matches('dialog.sheet')) target.close('');
    const opener = target.closest?.('[data-sheet]');
    if (opener) sheet(document.getElementById(opener.dataset.sheet));
    const closer = target.closest?.('dialog [value]:not(form *)');
    if (closer) closer.closest('dialog').close(closer.value);
  });

  // --- forms of a plain page: sent once, however often they are pressed ---------------------

  const once = (form, sent) => form.querySelectorAll('button').forEach((button) => { button.disabled = sent; });
  document.addEventListener('submit', ({target}) => {
    if (target.matches('[data-once]')) once(target, true);
  });
  window.addEventListener('pageshow', () => document.querySelectorAll('[data-once]').forEach((form) => once(form, false)));

  // --- pictures --------------------------------------------------------------------------

  const loaded = (image) => image.classList?.add('is-loaded');
  for (const kind of ['load', 'error']) {
    document.addEventListener(kind, ({target}) => loaded(target), true);
  }
  for (const image of document.images) if (image.complete) loaded(image);
  root.classList.add('js');

  // --- before and after: drag anywhere on the pictures, or arrow keys on the hidden range ---

  function split(box, percent) {
    const value = Math.max(0, Math.min(100, percent));
    box.style.setProperty('--split', value + '%');
    box.querySelector('input').value = value;
  }
  function drag(event) {
    const box = event.target.closest?.('[data-split]');
    if (!box || (event.type === 'pointermove' && !event.buttons)) return;
    const {left, width} = box.getBoundingClientRect();
    split(box, (event.clientX - left) / width * 100);
  }
  document.addEventListener('pointerdown', drag);
  document.addEventListener('pointermove', drag);
  document.addEventListener('input', ({target}) => {
    const box = target.closest('[data-split]');
    if (box) split(box, target.value);
  });

  // --- Telegram --------------------------------------------------------------------------

  const SCRIPT = 'https://telegram.org/js/telegram-web-app.js';
  const launched = new URLSearchParams(location.hash.slice(1));
  const inside = launched.has('tgWebAppData') || Boolean(remembered()) || 'TelegramWebviewProxy' in window;

  /** What Telegram's script keeps for the pages after the first one. */
  function remembered() {
    try {
      return JSON.parse(sessionStorage.getItem('__telegram__initParams') || 'null');
    } catch {
      return null;
    }
  }

  /** Telegram's colours, before its script has come; then each time they change. */
  function paint(theme) {
    for (const [name, value] of Object.entries(theme)) {
      root.style.setProperty('--tg-theme-' + name.replaceAll('_', '-'), value);
    }
    const ground = theme.secondary_bg_color || theme.bg_color;
    if (!ground) return;
    root.dataset.scheme = light(ground) < 0.2 ? 'dark' : 'light';
    const card = theme.section_bg_color || theme.bg_color || ground;
    readable('--text', theme.text_color, [ground, card], '--our-text');
    readable('--hint', theme.subtitle_text_color || theme.hint_color, [ground, card], '--text');
    readable('--link', theme.link_color, [ground, card], '--text');
    readable('--danger', theme.destructive_text_color, [ground, card], '--our-danger');
    readable('--on-accent', theme.button_text_color, [theme.button_color], light(theme.button_color) > 0.18 ? '#000' : '#fff');
  }

  /** Keep the theme's colour where it can be read on all of these, else use ours. */
  function readable(name, colour, grounds, ours) {
    const good = colour && grounds.every((ground) => contrast(colour, ground) >= 4.5);
    if (good) root.style.removeProperty(name);
    else root.style.setProperty(name, ours.startsWith('--') ? `var(${ours})` : ours);
  }
  function contrast(one, other) {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  }
  /** Relative luminance of #rrggbb, as WCAG defines it. */
  function light(colour) {
    const parts = [1, 3, 5].map((at) => parseInt((colour || '#888888').slice(at, at + 2), 16) / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  /** Telegram's script, asked for only inside Telegram. Resolves to WebApp, or null. */
  function summon() {
    if (!inside) return Promise.resolve(null);
    const theme = launched.get('tgWebAppThemeParams') || remembered()?.tgWebAppThemeParams;
    try { if (theme) paint(JSON.parse(theme)); } catch { /* a theme that cannot be read is no theme */ }
    return new Promise((resolve) => {
      const script = document.createElement('script');
      script.src = SCRIPT;
      script.onload = () => resolve(settle(window.Telegram?.WebApp));
      script.onerror = () => resolve(null);
      document.head.append(script);
    });
  }

  function settle(app) {
    if (!app?.initData) return null;
    studio.telegram = app;
    app.ready();
    app.expand();
    paint(app.themeParams);
    app.onEvent('themeChanged', () => paint(app.themeParams));
    root.classList.add('in-telegram');
    app.BackButton.onClick(goBack);
    app.MainButton.onClick(() => mainAction()?.click());
    new MutationObserver(mainButton).observe(document.body, {
      subtree: true, childList: true, characterData: true,
      attributes: true, attributeFilter: ['hidden', 'disabled', 'aria-busy'],
    });
    backButton();
    mainButton();
    samePerson(app);
    return app;
  }

  /** Two accounts of one phone share cookies: whoever opened the studio is who it is for. */
  async function samePerson(app) {
    const shown = said().telegramId;
    const opener = app.initDataUnsafe.user?.id;
    if (!launched.has('tgWebAppData') || !shown || String(opener) === shown) return;
    try {
      await api('POST', '/api/v1/session/', {init_data: app.initData});
      location.replace(location.pathname);
    } catch {
      // Not who this session belongs to, and not proven to be anybody else: nobody.
      await api('DELETE', '/api/v1/session/').catch(() => null);
      location.replace(said().signIn);
    }
  }

  const mainAction = () => [...document.querySelectorAll('[data-main]')].find((one) => !one.closest('[hidden]'));
  function mainButton() {
    const action = mainAction();
    const button = studio.telegram?.MainButton;
    if (!button) return;
    if (!action) return void button.hide();
    button.setParams({text: action.textContent.trim().replace(/\s+/g, ' '), is_visible: true, is_active: !action.disabled});
    if (action.getAttribute('aria-busy') === 'true') button.showProgress(true);
    else button.hideProgress();
  }

  const openSheet = () => document.querySelector('dialog[open]');
  const backLink = () => document.querySelector('[data-back]');
  function backButton() {
    const button = studio.telegram?.BackButton;
    if (openSheet() || backLink()) button?.show();
    else button?.hide();
  }
  function goBack() {
    if (openSheet()) openSheet().close('');
    else backLink()?.click();
  }

  /** A small knock: 'success', 'error', 'warning', or 'light'. */
  function haptic(kind) {
    const knock = studio.telegram?.HapticFeedback;
    if (kind === 'light') knock?.impactOccurred('light');
    else knock?.notificationOccurred(kind);
  }

  const studio = {api, uuid, toast, sheet, haptic, main: mainButton, inside, telegram: null};
  studio.ready = Promise.resolve().then(summon);
  return studio;
})();

/* As much of Telegram's script as the pages need, in version 8.0, opened by Ann. */
(() => {
  const button = {onClick() {}, show() {}, hide() {}, setParams() {}, showProgress() {}, hideProgress() {}};
  window.Telegram = {WebApp: {
    initData: 'x', initDataUnsafe: {user: {id: 5001}}, themeParams: {}, version: '8.0',
    isVersionAtLeast: (version) => parseFloat(version) <= 8,
    ready() {}, expand() {}, onEvent() {}, BackButton: button, MainButton: button,
    HapticFeedback: {impactOccurred() {}, notificationOccurred() {}},
    shareMessage(id, told) { window.shared = id; told(true); },
  }};
})();

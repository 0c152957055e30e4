// The terminal gets the keys as soon as it is there, without a click.
window.addEventListener("load", () => {
  const looking = new MutationObserver(() => {
    if (document.body.classList.contains("-first-byte")) {
      looking.disconnect();
      document.querySelector(".xterm-helper-textarea")?.focus();
    }
  });
  looking.observe(document.body, { attributes: true, attributeFilter: ["class"] });
});

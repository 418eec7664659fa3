// A link to a row of evidence opens the claim that holds it.
(function () {
  function open() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const holder = target && target.closest("details");
    if (holder) {
      holder.open = true;
      target.scrollIntoView({ block: "center" });
    }
  }
  addEventListener("hashchange", open);
  addEventListener("DOMContentLoaded", open);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => (d.open = true)));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.activeElement.closest(".matrix")) document.activeElement.blur();
  });
})();

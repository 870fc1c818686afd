(() => {
  "use strict";
  const states = [...document.querySelectorAll("section.state")];
  const links = [...document.querySelectorAll("ol.line a")];
  const byId = (id) => document.getElementById(id);
  const nav = document.querySelector("nav.steps");
  const last = states.length - 1;
  let at = 0;
  const show = (number) => {
    at = Math.max(0, Math.min(last, number));
    states.forEach((each, n) => each.classList.toggle("current", n === at));
    links.forEach((each, n) => n === at ? each.setAttribute("aria-current", "step") : each.removeAttribute("aria-current"));
    byId("back").disabled = at === 0;
    byId("on").disabled = at === last;
    byId("where").textContent = `step ${at} of ${last}`;
  };
  const go = (number) => { show(number); history.replaceState(null, "", `#step-${at}`); };
  const help = () => {
    const keys = byId("keys");
    keys.hidden = !keys.hidden;
    byId("help").setAttribute("aria-expanded", String(!keys.hidden));
  };
  const fromHash = () => {
    const match = /^#step-(\d+)$/.exec(location.hash);
    show(match ? Number(match[1]) : last ? 1 : 0);
  };
  document.body.classList.add("stepping");
  nav.hidden = false;
  byId("back").onclick = () => go(at - 1);
  byId("on").onclick = () => go(at + 1);
  byId("help").onclick = help;
  links.forEach((each, n) => { each.onclick = (event) => { event.preventDefault(); go(n); }; });
  addEventListener("hashchange", fromHash);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = { ArrowRight: () => go(at + 1), ArrowLeft: () => go(at - 1), Home: () => go(0), End: () => go(last), "?": help };
    if (event.key === " " && event.target === document.body) keys[" "] = () => go(at + 1);
    if (event.target.closest && event.target.closest(".wide") && event.key.startsWith("Arrow")) return;
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  fromHash();
})();

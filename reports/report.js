"use strict";
(() => {
  const form = document.getElementById("controls");
  if (!form) return;
  document.documentElement.classList.add("scripted");
  const list = document.getElementById("cases");
  const cases = [...list.children];
  const control = (id) => document.getElementById(id);
  const boxes = [...form.querySelectorAll(".model")];

  const value = (shot, recognizer, metric) => {
    const numbers = shot.querySelector(`.mini[data-recognizer="${recognizer}"]`);
    const text = numbers && numbers.getAttribute(`data-${metric}`);
    return text === null ? NaN : Number(text);
  };

  const over = {
    max: (values) => Math.max(...values),
    min: (values) => Math.min(...values),
    mean: (values) => values.reduce((sum, v) => sum + v, 0) / values.length,
  };

  const filter = () => {
    const models = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const outcome = control("outcome").value;
    const subset = control("subset").value;
    let shown = 0;
    for (const one of cases) {
      let any = false;
      for (const shot of one.querySelectorAll(".shot.model")) {
        const fits = models.has(shot.dataset.model) && (!outcome || shot.dataset.outcomes.split(" ").includes(outcome));
        shot.hidden = !fits;
        any = any || fits;
      }
      one.hidden = (subset && one.dataset.subset !== subset) || !any;
      shown += one.hidden ? 0 : 1;
    }
    control("shown").textContent = `${shown} of ${cases.length} cases shown`;
  };

  const sort = () => {
    const metric = control("sort").value;
    const recognizer = control("recognizer").value;
    const direction = Number(control("order").value);
    const key = (one) => {
      if (!metric) return NaN;
      const shots = [...one.querySelectorAll(".shot.model:not([hidden])")];
      const values = shots.map((shot) => value(shot, recognizer, metric)).filter((v) => !Number.isNaN(v));
      return values.length ? over[control("over").value](values) : NaN;
    };
    const keyed = cases.map((one) => [key(one), Number(one.dataset.position), one]);
    keyed.sort((a, b) => {
      const unknown = Number.isNaN(a[0]) - Number.isNaN(b[0]);
      if (unknown) return unknown;
      return (Number.isNaN(a[0]) ? 0 : direction * (a[0] - b[0])) || a[1] - b[1];
    });
    list.append(...keyed.map((entry) => entry[2]));
  };

  const update = () => {
    const recognizer = control("recognizer").value;
    for (const numbers of list.querySelectorAll(".mini")) numbers.hidden = numbers.dataset.recognizer !== recognizer;
    filter();
    sort();
  };

  form.addEventListener("change", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
})();

// What keeps people out of a page; run in it by accessible.py, and answered as a list of texts.
() => {
  const wrong = [];
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const shown = (node) => node.checkVisibility({ visibilityProperty: true });
  const say = (what, node) => wrong.push(what + ": " + node.outerHTML.slice(0, 120));

  if (!document.documentElement.lang) wrong.push("no language");
  if (!document.title.trim()) wrong.push("no title");
  if (all("main").length !== 1) wrong.push("not one main");
  if (all("h1").length !== 1) wrong.push("not one h1");
  let level = 0;
  for (const head of all("main h1, main h2, main h3, main h4").filter(shown)) {
    const next = Number(head.tagName[1]);
    if (next > level + 1) say("a heading level is left out", head);
    if (!head.textContent.trim()) say("an empty heading", head);
    level = next;
  }

  const seen = new Set();
  for (const node of all("[id]")) {
    if (seen.has(node.id)) say("an id twice", node);
    seen.add(node.id);
  }
  for (const name of ["aria-labelledby", "aria-describedby", "for", "list"]) {
    for (const node of all(`[${name}]`)) {
      for (const id of node.getAttribute(name).split(/\s+/)) {
        if (!document.getElementById(id)) say(`${name} leads nowhere`, node);
      }
    }
  }

  const named = (node) => (node.getAttribute("aria-label") || node.textContent || "").trim()
    || (node.getAttribute("aria-labelledby") || "").split(/\s+/).some((id) => document.getElementById(id))
    || node.title;
  for (const field of all("input:not([type=hidden]), select, textarea")) {
    const labels = Array.from(field.labels || []);
    if (!labels.some((label) => label.textContent.trim()) && !field.getAttribute("aria-label")) say("a field without a label", field);
  }
  for (const node of all("button, a[href], summary")) if (!named(node)) say("no name", node);
  for (const frame of all("iframe")) if (!frame.title) say("a frame without a title", frame);
  for (const image of all("img")) if (!image.hasAttribute("alt")) say("a picture without a text", image);
  for (const drawing of all("svg")) {
    if (drawing.getAttribute("aria-hidden") !== "true" && !named(drawing)) say("a drawing without a name", drawing);
  }
  for (const head of all("th")) if (!head.scope) say("a head without a scope", head);
  for (const node of all("[tabindex]")) if (node.tabIndex > 0) say("a tab order of its own", node);
  for (const group of all("[role=region], nav, section[aria-labelledby]")) if (!named(group)) say("a region without a name", group);
  for (const box of all("*")) {
    const style = getComputedStyle(box);
    const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY)
      && (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1);
    if (scrolls && shown(box) && box.tabIndex < 0 && !box.querySelector("a[href], button, input, select, textarea")
        && box !== document.scrollingElement && box !== document.body) say("no way to scroll by keys", box);
  }

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((at) => top[at] * top[3] + under[at] * (1 - top[3])).concat(1);
  const page = parse(getComputedStyle(document.documentElement).backgroundColor);
  const behind = (node) => {
    const layers = [];
    for (let one = node; one; one = one.parentElement) layers.push(parse(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), page);
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const told = new Set();
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || told.has(node) || !shown(node)) continue;
    told.add(node);
    if (node.closest("svg, option, .hidden, .skip")) continue;
    const style = getComputedStyle(node);
    const back = behind(node);
    const ink = over(parse(style.color), back);
    const [high, low] = [light(ink), light(back)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    const least = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    if (ratio < least) say(`contrast ${ratio.toFixed(2)}`, node);
  }
  return wrong;
}

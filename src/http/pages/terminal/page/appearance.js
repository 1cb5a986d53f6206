// Size and colours of the text: as the browser has them, unless the address says otherwise (#size=18&theme=light).

const SMALLEST = 6;
const LARGEST = 72;
const FAMILY = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

// The same sixteen on both grounds: the first eight are behind text as well as in it, and the terminal itself sees to
// it that no text is too near to its ground.
const PALETTE = {
  black: "#1d232b", red: "#b3362e", green: "#3aa55f", yellow: "#c49a3a",
  blue: "#2a54a8", magenta: "#8a46b0", cyan: "#2fa3ad", white: "#c6ced8",
  brightBlack: "#76828f", brightRed: "#ff7b72", brightGreen: "#6fd08c", brightYellow: "#f0c869",
  brightBlue: "#6ea4ff", brightMagenta: "#d39bf5", brightCyan: "#5fcfd8", brightWhite: "#ffffff",
};
const DARK = {
  ...PALETTE, background: "#11151a", foreground: "#dde3ea", cursor: "#dde3ea", cursorAccent: "#11151a",
  selectionBackground: "#37557f", selectionInactiveBackground: "#333d4a",
};
const LIGHT = {
  ...PALETTE, background: "#fbfbfa", foreground: "#1b1f24", cursor: "#1b1f24", cursorAccent: "#fbfbfa",
  selectionBackground: "#b5d2fb", selectionInactiveBackground: "#d9dee5",
};

const likesLight = matchMedia("(prefers-color-scheme: light)");
const isCoarse = matchMedia("(pointer: coarse)");

function current() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const size = Number(wanted.get("size"));
  const theme = ["light", "dark"].find((theme) => theme === wanted.get("theme"));
  document.documentElement.dataset.theme = theme ?? "";
  return {
    fontSize: size >= SMALLEST && size <= LARGEST ? size : isCoarse.matches ? 13 : 15,
    theme: (theme ? theme === "light" : likesLight.matches) ? LIGHT : DARK,
  };
}

export function appearance() {
  // Programs choose colours for a background that they only guess.
  return { fontFamily: FAMILY, minimumContrastRatio: 4.5, ...current() };
}

// Calls back with what has changed.
export function watchAppearance(changed) {
  const tell = () => changed(current());
  addEventListener("hashchange", tell);
  likesLight.addEventListener("change", tell);
}

// Size and colours of the text: as the browser has them, unless the address says otherwise (#size=18&theme=light).

const SMALLEST = 6;
const LARGEST = 72;
const FAMILY = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

const DARK = {
  background: "#11151a", foreground: "#dde3ea", cursor: "#dde3ea", cursorAccent: "#11151a",
  selectionBackground: "#37557f", selectionInactiveBackground: "#333d4a",
  black: "#2b323b", red: "#ff7b72", green: "#6fd08c", yellow: "#e3b55c",
  blue: "#7fb0ff", magenta: "#d39bf5", cyan: "#5fcfd8", white: "#c6ced8",
  brightBlack: "#8591a0", brightRed: "#ffa198", brightGreen: "#93e6aa", brightYellow: "#f7d488",
  brightBlue: "#a8caff", brightMagenta: "#e4bdfb", brightCyan: "#8ee6ec", brightWhite: "#ffffff",
};
const LIGHT = {
  background: "#fbfbfa", foreground: "#1b1f24", cursor: "#1b1f24", cursorAccent: "#fbfbfa",
  selectionBackground: "#b5d2fb", selectionInactiveBackground: "#d9dee5",
  black: "#1b1f24", red: "#b3261e", green: "#0b6b3a", yellow: "#7d5200",
  blue: "#1f5fbf", magenta: "#8a2fa8", cyan: "#0a6b77", white: "#d5dae0",
  brightBlack: "#5c6570", brightRed: "#cf3a30", brightGreen: "#188a4c", brightYellow: "#946200",
  brightBlue: "#2f74dc", brightMagenta: "#a345c2", brightCyan: "#0d8190", brightWhite: "#ffffff",
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

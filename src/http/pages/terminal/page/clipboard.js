// Between the program and the clipboard stands the user: what a program would put there (OSC 52) is put there by a
// click, what is there no program is told, and what is pasted cannot end the pasting by itself.

import { ClipboardAddon } from "@xterm/addon-clipboard";

const PREVIEW = 60; // characters
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;

export const withoutControls = (text) => text.replace(CONTROLS, " ").trim();

export function shorten(text, length) {
  const characters = Array.from(text);
  return characters.length > length ? `${characters.slice(0, length).join("")}…` : text;
}

// Without TLS browsers keep their newer interface from all pages but those of this machine.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (!isCopied) throw new Error("refused");
}

export function guardClipboard(terminal, notice, isReadonly) {
  const offer = (text) => {
    if (!text) return;
    const put = () => copy(text).then(notice.hide.bind(notice), () => notice.show("The browser did not allow it."));
    const size = Array.from(text).length;
    const preview = shorten(withoutControls(text.slice(0, 4 * PREVIEW)), PREVIEW);
    notice.show(`Copy what the program offers (${size} characters)? “${preview}”`, [["Copy", put], ["No", () => notice.hide()]]);
  };
  terminal.loadAddon(new ClipboardAddon(undefined, { readText: () => "", writeText: (selection, text) => offer(text) }));
  // Asked after the addon's, so answered before it: nobody is told anything of what is read.
  terminal.parser.registerOscHandler(52, (data) => isReadonly() || data.split(";")[1] === "?");
}

// `copySelection` is for a key; the browser's own way of copying works beside it.
export function copySelection(terminal) {
  if (terminal.hasSelection()) copy(terminal.getSelection()).then(() => terminal.focus(), () => {});
}

// An escape in what is pasted could end the brackets that a shell asks for, and have the rest run.
export function watchPaste(terminal, element, pasted) {
  element.addEventListener("paste", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const text = event.clipboardData.getData("text/plain");
    pasted();
    terminal.paste(text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, ""));
  }, { capture: true });
}

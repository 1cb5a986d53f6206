// A few words of the page's own beside the terminal, and what can be done about them.

export class Panel {
  constructor(element, refocus) {
    Object.assign(this, { element, refocus });
  }

  // `actions` are [label, action] or [label, URL]; the first is the one that is likely wanted.
  show(text, actions = [], place = "") {
    const words = document.createElement("p");
    words.textContent = text;
    this.element.className = `panel ${place}`;
    this.element.replaceChildren(words, ...actions.map(([label, act], nth) => this.button(label, act, nth)));
  }

  button(label, act, nth) {
    const isLink = typeof act === "string";
    const button = document.createElement(isLink ? "a" : "button");
    button.className = nth ? "button" : "button main";
    button.textContent = label;
    if (isLink) Object.assign(button, { href: act, target: "_blank", rel: "noopener noreferrer" });
    else button.type = "button";
    button.onclick = () => {
      if (isLink) this.hide();
      else act();
      this.refocus();
    };
    return button;
  }

  hide() {
    this.element.replaceChildren();
  }

  get isShown() {
    return this.element.hasChildNodes();
  }

  // Whether there was something to go to.
  focus() {
    const button = this.element.querySelector(".button");
    button?.focus();
    return Boolean(button);
  }
}

/** As much of a browser as the page of `view` uses, for tests of what it does with it: no layout but what a test sets. */

type Listener = (event: unknown) => void;

/** An element; text is a child of it. */
export class FakeElement {
  readonly tag: string;
  readonly children: (FakeElement | string)[] = [];
  readonly classes = new Set<string>();
  readonly attributes = new Map<string, string>();
  readonly dataset: Record<string, string> = {};
  readonly style: Record<string, unknown>;
  readonly properties = new Map<string, string>();
  readonly listeners = new Map<string, Listener>();
  hidden = false;
  tabIndex = 0;
  title = '';
  value = '';
  clientWidth = 1_000;
  clientHeight = 600;
  offsetLeft = 100;
  scrollLeft = 0;
  box = { left: 0, width: 1_000, height: 20 };
  private readonly page: FakePage;

  constructor(page: FakePage, tag: string) {
    this.page = page;
    this.tag = tag;
    this.style = { setProperty: (name: string, value: string) => void this.properties.set(name, value) };
  }

  get classList() {
    const { classes } = this;
    return {
      add: (name: string) => void classes.add(name),
      contains: (name: string) => classes.has(name),
      toggle: (name: string, on: boolean) => (on ? classes.add(name) : classes.delete(name)),
    };
  }

  set className(names: string) {
    for (const name of names.split(' ')) this.classes.add(name);
  }

  get textContent(): string {
    return this.children.map((child) => (typeof child === 'string' ? child : child.textContent)).join('');
  }

  append(...children: (FakeElement | string)[]): void {
    this.children.push(...children);
  }

  replaceChildren(...children: (FakeElement | string)[]): void {
    this.children.splice(0, Infinity, ...children);
  }

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
    if (name === 'class') this.className = value;
  }

  getBoundingClientRect() {
    return this.box;
  }

  addEventListener(type: string, listener: Listener): void {
    this.listeners.set(type, listener);
  }

  focus(): void {
    this.page.activeElement = this;
  }

  scrollIntoView(): void {}

  /** All below it that have the class. */
  all(name: string): FakeElement[] {
    const below = this.children.flatMap((child) => (typeof child === 'string' ? [] : [child, ...child.all(name)]));
    return [...new Set(below)].filter(({ classes }) => classes.has(name));
  }

  querySelector(selector: string): FakeElement | null {
    return this.all(selector.slice(1))[0] ?? null;
  }

  fire(type: string, event: object = {}): void {
    this.listeners.get(type)?.({ target: this, currentTarget: this, ...event });
  }
}

/** A page made of the ids of a document's text. */
export class FakePage {
  activeElement: FakeElement | undefined = undefined;
  readonly documentElement = new FakeElement(this, 'html');
  readonly window = new FakeElement(this, 'window');
  private readonly document = new FakeElement(this, 'document');
  private readonly ids = new Map<string, FakeElement>();

  constructor(html: string) {
    for (const [, tag, id = ''] of html.matchAll(/<(\w+)[^>]* ?id="(\w+)"/g))
      this.ids.set(id, new FakeElement(this, tag ?? ''));
    this.byId('data').append(/id="data">(.*)<\/script>/.exec(html)?.[1] ?? '');
  }

  byId(id: string): FakeElement {
    const found = this.ids.get(id);
    if (found === undefined) throw new Error(`the document has no #${id}`);
    return found;
  }

  /** What the page's script finds in its global scope. */
  get globals(): object {
    return {
      document: {
        page: this,
        get activeElement() {
          return this.page.activeElement;
        },
        documentElement: this.documentElement,
        createElement: (tag: string) => new FakeElement(this, tag),
        createElementNS: (_: string, tag: string) => new FakeElement(this, tag),
        getElementById: (id: string) => this.ids.get(id) ?? null,
        addEventListener: (type: string, listener: Listener) => this.document.addEventListener(type, listener),
      },
      addEventListener: (type: string, listener: Listener) => this.window.addEventListener(type, listener),
      matchMedia: () => ({ matches: this.dark }),
      innerWidth: 1_200,
      innerHeight: 800,
    };
  }

  /** What the system prefers. */
  dark = false;

  /** Whether the page took the key for itself. */
  press(key: string, event: object = {}): boolean {
    let taken = false;
    this.document.fire('keydown', { key, target: this.activeElement, preventDefault: () => (taken = true), ...event });
    return taken;
  }
}

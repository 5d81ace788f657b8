// Who a visitor of the widget is: a name drawn at random for this browser, so that a visitor's conversations are the
// visitor's own. The pages of the owner have none.

const kStorageKey = "quintet.visitor";

let name: string | null = null;

function draw(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const visitor = {
  get: () => name,
  /** Called once, before the first request, by the page inside the widget. */
  begin(): void {
    try {
      name = localStorage.getItem(kStorageKey) ?? draw();
      localStorage.setItem(kStorageKey, name);
    } catch {
      name ??= draw(); // storage is switched off: a visitor for as long as the page is open
    }
  },
};

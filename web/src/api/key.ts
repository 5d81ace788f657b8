// The API key of this browser tab. It is never put into a URL and is gone when the tab is closed.

const kStorageKey = "quintet.key";

export interface KeyState {
  /** The server refused the last request for want of a valid key. */
  needed: boolean;
  /** Counts the keys entered; views load again when it changes. */
  generation: number;
  wasRejected: boolean;
}

let state: KeyState = { needed: false, generation: 0, wasRejected: false };
const listeners = new Set<() => void>();

function change(next: Partial<KeyState>): void {
  state = { ...state, ...next };
  for (const listener of listeners) listener();
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(kStorageKey);
  } catch {
    return null; // storage is switched off: the key lives as long as the page
  }
}

let key = stored();

export const apiKey = {
  get: () => key,
  set(next: string): void {
    key = next;
    try {
      sessionStorage.setItem(kStorageKey, next);
    } catch {
      // kept in memory
    }
    change({ needed: false, generation: state.generation + 1 });
  },
  /** `used` is the key the refused request carried; a newer one may have been entered meanwhile. */
  reject(used: string | null): void {
    if (used !== key) return;
    if (!state.needed) change({ needed: true, wasRejected: used !== null });
  },
  forget(): void {
    key = null;
    try {
      sessionStorage.removeItem(kStorageKey);
    } catch {
      // nothing was stored
    }
    change({ generation: state.generation + 1 });
  },
  state: (): KeyState => state,
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

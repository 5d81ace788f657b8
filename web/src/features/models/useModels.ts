import { useCallback, useEffect, useState } from "react";
import { api, isAbort, type LocalModels } from "../../api";
import { useKeyState } from "../session";

const kLivelyMs = 1000;
const kQuietMs = 5000;

/** Whether something on the page changes by itself. */
export function isLively(value: LocalModels): boolean {
  return (
    value.models.some((model) => model.engine !== null || model.state === "loading") ||
    value.downloads.some((download) => download.state === "running")
  );
}

/** The server's models, asked for again and again: every second while something happens. */
export function useModels() {
  const { generation } = useKeyState();
  const [state, setState] = useState<{ value: LocalModels | null; error: unknown }>({
    value: null,
    error: null,
  });
  const [attempt, setAttempt] = useState(0);

  // Synchronises with the server, by polling; a page that nobody sees does not ask.
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      clearTimeout(timer);
      let pause = kQuietMs;
      if (!document.hidden) {
        try {
          const value = await api.listModels(controller.signal);
          if (controller.signal.aborted) return;
          setState({ value, error: null });
          if (isLively(value)) pause = kLivelyMs;
        } catch (error) {
          if (controller.signal.aborted || isAbort(error)) return;
          setState((old) => ({ value: old.value, error }));
        }
      }
      clearTimeout(timer);
      timer = setTimeout(() => void ask(), pause);
    };
    const onVisible = () => {
      if (!document.hidden) void ask();
    };
    document.addEventListener("visibilitychange", onVisible);
    void ask();
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [attempt, generation]);

  const refresh = useCallback(() => setAttempt((n) => n + 1), []);
  return { ...state, refresh };
}

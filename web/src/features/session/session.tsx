// What every page needs to know: what the server is, and which knowledge base is being worked with.
import { createContext, type ReactNode, use, useMemo, useState, useSyncExternalStore } from "react";
import { api, apiKey, type Info, type Kb } from "../../api";
import { recall, remember, useResource } from "../../ui";

export interface Session {
  info: Info;
  /** null while the list loads. */
  kbs: readonly Kb[] | null;
  kbsError: unknown;
  /** The chosen one, or the server's default; null when there is none. */
  kb: Kb | null;
  chooseKb: (name: string) => void;
  reloadKbs: () => void;
  /** After a change of the models, or of which one answers. */
  reloadInfo: () => void;
}

const SessionContext = createContext<Session | null>(null);
const kStorageKey = "quintet.kb";

export function chosenKb(kbs: readonly Kb[], chosen: string | null, byDefault: string | null): Kb | null {
  const find = (name: string | null) => kbs.find((kb) => kb.name === name);
  return find(chosen) ?? find(byDefault) ?? kbs[0] ?? null;
}

/** The key's generation: a new one means that everything has to be loaded again. */
export function useKeyState() {
  return useSyncExternalStore(apiKey.subscribe, apiKey.state);
}

export function SessionProvider({
  children,
  whileLoading,
  onError,
}: {
  children: ReactNode;
  whileLoading: ReactNode;
  onError: (error: unknown, retry: () => void) => ReactNode;
}) {
  const { generation } = useKeyState();
  const info = useResource("info", (signal) => api.getInfo(signal));
  const kbs = useResource(`kbs ${generation}`, (signal) => api.listKbs(signal), { keep: true });
  const [chosen, setChosen] = useState(() => recall("local", kStorageKey));

  const session = useMemo<Session | null>(() => {
    if (!info.value) return null;
    return {
      info: info.value,
      kbs: kbs.value,
      kbsError: kbs.error,
      kb: kbs.value ? chosenKb(kbs.value, chosen, info.value.default_kb) : null,
      chooseKb: (name) => {
        setChosen(name);
        remember("local", kStorageKey, name);
      },
      reloadKbs: kbs.reload,
      reloadInfo: info.reload,
    };
  }, [info.value, info.reload, kbs.value, kbs.error, kbs.reload, chosen]);

  if (!session) return info.error !== null ? onError(info.error, info.reload) : whileLoading;
  return <SessionContext value={session}>{children}</SessionContext>;
}

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error("useSession: used outside SessionProvider");
  return session;
}

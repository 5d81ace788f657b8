import { useId, useState } from "react";
import { api } from "../../api";
import { Dialog, Icon, type IconName, navigate, setTheme, useResource } from "../../ui";
import { conversationPath } from "../conversations";
import { useSession } from "../session";
import { places, sections } from "./sections";

interface Command {
  id: string;
  label: string;
  hint: string;
  icon: IconName;
  run: () => void;
}

/** Every page, knowledge base and conversation by name: a combobox over a list box. */
export function Palette({ onClose }: { onClose: () => void }) {
  const { kbs, chooseKb } = useSession();
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const listId = useId();
  const found = useResource(
    `palette ${query}`,
    async (signal) => (await api.listConversations({ query }, signal)).conversations,
    { keep: true, delayMs: query === "" ? 0 : 150 },
  );

  const wanted = query.trim().toLowerCase();
  const commands: Command[] = [
    { id: "new", label: "New chat", hint: "", icon: "plus" as const, run: () => navigate("/faq") },
    ...[...sections, ...places].map((section) => ({
      id: section.href,
      label: section.label,
      hint: "page",
      icon: section.icon,
      run: () => navigate(section.href),
    })),
    ...(kbs ?? []).map((kb) => ({
      id: `kb ${kb.name}`,
      label: kb.title || kb.name,
      hint: "knowledge base",
      icon: "book" as const,
      run: () => {
        chooseKb(kb.name);
        navigate("/faq");
      },
    })),
    { id: "light", label: "Light theme", hint: "", icon: "sun" as const, run: () => setTheme("light") },
    { id: "dark", label: "Dark theme", hint: "", icon: "moon" as const, run: () => setTheme("dark") },
  ].filter((command) => command.label.toLowerCase().includes(wanted));
  const items: Command[] = [
    ...commands,
    ...(found.value ?? []).slice(0, 12).map((item) => ({
      id: item.id,
      label: item.title || "Untitled",
      hint: "conversation",
      icon: "chat" as const,
      run: () => navigate(conversationPath(item.id)),
    })),
  ];
  const selected = Math.min(at, items.length - 1);

  const run = (item: Command | undefined) => {
    if (!item) return;
    onClose();
    item.run();
  };

  return (
    <Dialog title="Go to" placement="top" hidesTitle onClose={onClose}>
      <div className="search-box">
        <Icon name="search" size={17} />
        <input
          className="input"
          role="combobox"
          aria-label="Go to a page or conversation"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={items[selected] ? `${listId}-${selected}` : undefined}
          placeholder="Page, knowledge base or conversation"
          autoFocus
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") setAt((selected + 1) % Math.max(1, items.length));
            else if (event.key === "ArrowUp")
              setAt((selected - 1 + items.length) % Math.max(1, items.length));
            else if (event.key === "Enter") run(items[selected]);
            else return;
            event.preventDefault();
          }}
        />
      </div>
      <ul id={listId} role="listbox" aria-label="Places" className="palette">
        {items.map((item, i) => (
          <li
            key={item.id}
            id={`${listId}-${i}`}
            role="option"
            aria-selected={i === selected}
            className="palette-item"
            onPointerMove={() => setAt(i)}
            onClick={() => run(item)}
          >
            <Icon name={item.icon} size={17} />
            <span className="palette-label">{item.label}</span>
            <span className="palette-hint">{item.hint}</span>
          </li>
        ))}
      </ul>
      {items.length === 0 && <p className="palette-none">Nothing has this name.</p>}
    </Dialog>
  );
}

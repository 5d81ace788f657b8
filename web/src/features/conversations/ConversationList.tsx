import { useState } from "react";
import { api, type Conversation } from "../../api";
import {
  Button,
  daysAgo,
  ErrorNote,
  fileName,
  Icon,
  Link,
  Loading,
  Menu,
  saveFile,
  showErrorToast,
} from "../../ui";
import "./conversations.css";
import { groupByAge } from "./reducer";
import type { Conversations } from "./useConversations";

export interface ConversationListProps {
  conversations: Conversations;
  currentId: string | null;
  onNew: () => void;
  onOpen: (id: string) => void;
  /** After something was chosen; a drawer closes then. */
  onDone?: (() => void) | undefined;
}

export async function exportConversation(conversation: Pick<Conversation, "id" | "title">): Promise<void> {
  try {
    saveFile(await api.exportConversation(conversation.id), fileName(conversation.title, "md"));
  } catch (error) {
    showErrorToast(error);
  }
}

export function conversationPath(id: string): string {
  return `/faq/c/${encodeURIComponent(id)}`;
}

export function ConversationList({ conversations, currentId, onNew, onOpen, onDone }: ConversationListProps) {
  const { items, query, setQuery, isLoading, error, reload, hasMore, loadMore } = conversations;
  const [renaming, setRenaming] = useState<string | null>(null);

  const remove = (item: Conversation) => {
    const wasOpen = item.id === currentId;
    if (wasOpen) onNew();
    conversations.remove(item, () => {
      if (wasOpen) onOpen(item.id);
    });
  };

  return (
    <nav className="conversations" aria-label="Conversations">
      <Button
        icon="plus"
        onClick={() => {
          onNew();
          onDone?.();
        }}
      >
        New chat
      </Button>
      <div className="search-box">
        <Icon name="search" size={17} />
        <input
          className="input"
          type="search"
          id="conversation-search"
          placeholder="Search conversations"
          aria-label="Search conversations"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape" && query !== "") setQuery("");
          }}
        />
      </div>
      <div className="conversations-scroll">
        {error !== null && <ErrorNote error={error} onRetry={reload} />}
        {isLoading && error === null && <Loading label="Loading conversations" rows={6} />}
        {!isLoading && error === null && items.length === 0 && (
          <p className="conversations-none">
            {query === "" ? "Your conversations will be listed here." : "No conversation matches."}
          </p>
        )}
        {groupByAge(items, (item) => daysAgo(item.updated_at)).map((group) => (
          <section key={group.title}>
            <h2 className="conversations-group">{group.title}</h2>
            <ul>
              {group.items.map((item) => (
                <li
                  key={item.id}
                  className={item.id === currentId ? "conversation is-current" : "conversation"}
                >
                  {renaming === item.id ? (
                    <RenameField
                      title={item.title}
                      onDone={(title) => {
                        setRenaming(null);
                        if (title !== null && title !== item.title) void conversations.rename(item, title);
                      }}
                    />
                  ) : (
                    <>
                      <Link
                        href={conversationPath(item.id)}
                        aria-current={item.id === currentId ? "page" : undefined}
                        onClick={onDone}
                        title={item.title}
                      >
                        {item.title || "Untitled"}
                      </Link>
                      <Menu
                        label={`Actions for ${item.title || "Untitled"}`}
                        items={[
                          { label: "Rename", icon: "edit", run: () => setRenaming(item.id) },
                          { label: "Export", icon: "download", run: () => void exportConversation(item) },
                          { label: "Delete", icon: "trash", isDanger: true, run: () => remove(item) },
                        ]}
                      />
                    </>
                  )}
                </li>
              ))}
            </ul>
          </section>
        ))}
        {hasMore && (
          <Button look="quiet" onClick={() => void loadMore()}>
            Show older
          </Button>
        )}
      </div>
    </nav>
  );
}

function RenameField({ title, onDone }: { title: string; onDone: (title: string | null) => void }) {
  const [value, setValue] = useState(title);
  const finish = () => onDone(value.trim() === "" ? null : value.trim());
  return (
    <input
      className="input"
      aria-label="Conversation title"
      autoFocus
      maxLength={200}
      value={value}
      onFocus={(event) => event.target.select()}
      onChange={(event) => setValue(event.target.value)}
      onBlur={finish}
      onKeyDown={(event) => {
        if (event.key === "Enter") finish();
        else if (event.key === "Escape") {
          event.stopPropagation();
          onDone(null);
        }
      }}
    />
  );
}

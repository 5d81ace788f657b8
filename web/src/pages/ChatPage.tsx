import { useState } from "react";
import { ChatView, useChat, useModelChoice } from "../features/chat";
import {
  ConversationList,
  conversationPath,
  exportConversation,
  useConversations,
} from "../features/conversations";
import { useKeyState, useSession } from "../features/session";
import { Shell } from "../features/shell";
import { Empty, ErrorNote, IconButton, Link, Loading, navigate, plural } from "../ui";

export function ChatPage({ conversationId }: { conversationId: string | null }) {
  const { info, kb, kbs, kbsError, reloadKbs } = useSession();
  const { generation } = useKeyState();
  const conversations = useConversations(generation);
  const [isAsideOpen, setAsideOpen] = useState(false);
  const [model, chooseModel] = useModelChoice(info.models);
  const chat = useChat({
    kb: kb?.name ?? null,
    conversationId,
    model: info.models.length > 1 ? model : undefined,
    onCreated: (conversation) => {
      conversations.changed(conversation);
      navigate(conversationPath(conversation.id), { replace: true });
    },
    onChanged: conversations.changed,
  });
  const { conversation } = chat;
  const shownTitle =
    conversations.items.find((item) => item.id === conversation?.id)?.title ?? conversation?.title;

  return (
    <Shell
      isAsideOpen={isAsideOpen}
      onAside={setAsideOpen}
      aside={
        <ConversationList
          conversations={conversations}
          currentId={conversationId}
          onNew={() => navigate("/faq")}
          onOpen={(id) => navigate(conversationPath(id))}
          onDone={() => setAsideOpen(false)}
        />
      }
    >
      {kbsError !== null ? (
        <div className="page">
          <ErrorNote error={kbsError} onRetry={reloadKbs} />
        </div>
      ) : kbs === null ? (
        <div className="page">
          <Loading />
        </div>
      ) : kb === null ? (
        <Empty icon="book" title="No knowledge base yet">
          <p>Import an FAQ, as JSON, CSV, Markdown, text or HTML, and ask it something.</p>
          <Link className="button button-primary" href="/faq/knowledge">
            Create a knowledge base
          </Link>
        </Empty>
      ) : (
        <div className="chat-page">
          {conversation && chat.messages.length > 0 && (
            <div className="chat-title">
              <h1 title={shownTitle}>{shownTitle || "Untitled"}</h1>
              <span className="chat-title-meta">
                {plural(Math.ceil(chat.messages.length / 2), "question")}
              </span>
              <IconButton
                icon="download"
                label="Export conversation as Markdown"
                onClick={() => void exportConversation({ id: conversation.id, title: shownTitle ?? "" })}
              />
            </div>
          )}
          <ChatView
            chat={chat}
            kb={kbs.find((item) => item.name === conversation?.kb) ?? kb}
            models={info.models}
            model={model}
            onModel={chooseModel}
            maxQuestionBytes={info.limits.max_question_bytes}
          />
        </div>
      )}
    </Shell>
  );
}

// The chat inside the widget's iframe: a visitor's view, without the owner's details.
import { type KeyboardEvent, lazy, Suspense, useEffect, useRef, useState } from "react";
import { api, type Message } from "../api";
import { useChat } from "../features/chat";
import { useStickToBottom } from "../ui/useStickToBottom";
import { Icon } from "../ui/icons";
import { recall, remember } from "../ui/storage";
import { useResource } from "../ui/useResource";
import { readMessage, wrapMessage } from "./messages";

// Loaded with the first answer; until then its text shows as it is.
const Markdown = lazy(async () => ({ default: (await import("../ui/Markdown")).Markdown }));

function close(): void {
  // The site's origin is not known here, and the message says nothing secret.
  window.parent.postMessage(wrapMessage({ type: "close" }), "*");
}

export function WidgetChat({ kb, title, isEmbedded }: { kb: string; title: string; isEmbedded: boolean }) {
  const storageKey = `quintet.widget.conversation.${kb}`;
  const [conversationId, setConversationId] = useState(() => recall("session", storageKey));
  const info = useResource(kb === "" ? null : kb, (signal) => api.getKb(kb, signal));
  const limits = useResource("info", (signal) => api.getInfo(signal));
  const maxBytes = limits.value?.limits.max_question_bytes ?? 16 << 10;
  const [text, setText] = useState("");
  const input = useRef<HTMLTextAreaElement>(null);
  const chat = useChat({
    kb,
    conversationId,
    onCreated: (conversation) => {
      remember("session", storageKey, conversation.id);
      setConversationId(conversation.id);
    },
  });
  const { outer, inner, jumpToEnd } = useStickToBottom<HTMLDivElement, HTMLDivElement>(
    String(chat.generation),
  );
  const isAnswering = chat.phase !== "idle";
  const isTooLong = text.length > maxBytes || new TextEncoder().encode(text).length > maxBytes;
  const heading = title || info.value?.title || kb;

  // Synchronises with the site around the iframe, which says when its button opened it.
  useEffect(() => {
    const onMessage = (event: MessageEvent) => {
      if (event.source === window.parent && readMessage(event.data)?.type === "opened")
        input.current?.focus();
    };
    window.addEventListener("message", onMessage);
    return () => window.removeEventListener("message", onMessage);
  }, []);

  // Synchronises the browser's title with the widget's.
  useEffect(() => {
    document.title = heading || "Chat";
  }, [heading]);

  const startAgain = () => {
    remember("session", storageKey, null);
    setConversationId(null);
    input.current?.focus();
  };
  const ask = (question: string) => {
    jumpToEnd();
    void chat.ask(question);
  };
  const send = () => {
    if (text.trim() === "" || isAnswering || isTooLong) return;
    ask(text);
    setText("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    }
  };

  return (
    <div
      className="widget"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        if (isAnswering) void chat.stop();
        else if (isEmbedded) close();
      }}
    >
      <header className="widget-head">
        <h1>{heading}</h1>
        {chat.messages.length > 0 && (
          <button type="button" aria-label="New chat" title="New chat" onClick={startAgain}>
            <Icon name="plus" />
          </button>
        )}
        {isEmbedded && (
          <button type="button" aria-label="Close" title="Close" onClick={close}>
            <Icon name="close" />
          </button>
        )}
      </header>
      <main className="widget-main">
        <section className="widget-scroll" ref={outer} tabIndex={0} aria-label="Conversation">
          <div className="widget-messages" ref={inner}>
            {kb === "" ? (
              <p role="alert">This widget does not say which knowledge base it is for: data-kb is missing.</p>
            ) : info.error !== null ? (
              <Fault text={errorText(info.error)} onRetry={info.reload} />
            ) : chat.loadError !== null ? (
              <Fault text="The earlier conversation could not be loaded." onRetry={startAgain} />
            ) : info.value === null || chat.isLoading ? (
              <p role="status">Loading …</p>
            ) : chat.messages.length === 0 ? (
              <div className="widget-welcome">
                <p>{info.value.description || "Ask a question, and get the answer at once."}</p>
                {info.value.suggested.slice(0, 4).map((question) => (
                  <button key={question} type="button" onClick={() => ask(question)}>
                    {question}
                  </button>
                ))}
              </div>
            ) : (
              chat.messages.map((message, i) =>
                message.role === "user" ? (
                  <p key={i} className="widget-question">
                    {message.text.slice(0, 4000)}
                  </p>
                ) : (
                  <WidgetAnswer
                    key={i}
                    message={message}
                    isLast={i === chat.messages.length - 1}
                    notice={chat.notice}
                    onAsk={ask}
                    onRetry={() => void chat.retry(message.id)}
                    onRate={(rating) => void chat.rate(message.id, message.rating === rating ? null : rating)}
                  />
                ),
              )
            )}
            {chat.failure !== null && (
              <Fault text={chat.failure.message} onRetry={() => ask(chat.failure?.question ?? "")} />
            )}
          </div>
        </section>
        <form
          className="widget-form"
          onSubmit={(event) => {
            event.preventDefault();
            send();
          }}
        >
          <textarea
            ref={input}
            rows={1}
            aria-label="Your question"
            aria-invalid={isTooLong || undefined}
            placeholder="Ask a question"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            onKeyDown={onKeyDown}
          />
          {isAnswering ? (
            <button type="button" aria-label="Stop" onClick={() => void chat.stop()}>
              <Icon name="stop" />
            </button>
          ) : (
            <button type="submit" aria-label="Send" disabled={text.trim() === "" || isTooLong}>
              <Icon name="send" />
            </button>
          )}
        </form>
        {isTooLong && (
          <p className="widget-limit" role="alert">
            This question is too long to send.
          </p>
        )}
      </main>
      <p className="visually-hidden" role="status">
        {isAnswering ? "Answering" : chat.messages.length > 0 ? "Answer complete" : ""}
      </p>
    </div>
  );
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : "The chat could not be loaded.";
}

function Fault({ text, onRetry }: { text: string; onRetry: () => void }) {
  return (
    <div className="widget-fault" role="alert">
      <p>{text}</p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}

interface WidgetAnswerProps {
  message: Message;
  isLast: boolean;
  notice: string | null;
  onAsk: (question: string) => void;
  onRetry: () => void;
  onRate: (rating: "up" | "down") => void;
}

function WidgetAnswer({ message, isLast, notice, onAsk, onRetry, onRate }: WidgetAnswerProps) {
  const isLive = message.status === "streaming";
  const hasFailed = message.status === "failed" || message.status === "interrupted";
  return (
    <article className={message.refused ? "widget-answer is-refused" : "widget-answer"} aria-busy={isLive}>
      {message.text === "" && isLive ? (
        <p className="widget-waiting">{notice ?? "…"}</p>
      ) : (
        <Suspense fallback={<p className="plain-text">{message.text}</p>}>
          <Markdown text={message.text} withCaret={isLive} />
        </Suspense>
      )}
      {hasFailed && isLast && <Fault text={message.error ?? "The answer broke off."} onRetry={onRetry} />}
      {message.refused &&
        message.nearest.map((near) => (
          <button key={near.id} type="button" className="widget-nearest" onClick={() => onAsk(near.question)}>
            {near.question}
          </button>
        ))}
      {!isLive && (
        <div className="widget-rating">
          <button
            type="button"
            aria-label="Good answer"
            aria-pressed={message.rating === "up"}
            onClick={() => onRate("up")}
          >
            <Icon name="up" size={17} />
          </button>
          <button
            type="button"
            aria-label="Bad answer"
            aria-pressed={message.rating === "down"}
            onClick={() => onRate("down")}
          >
            <Icon name="down" size={17} />
          </button>
        </div>
      )}
    </article>
  );
}

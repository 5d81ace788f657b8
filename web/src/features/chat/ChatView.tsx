import { useRef, useState } from "react";
import type { Kb, Model } from "../../api";
import {
  Button,
  Empty,
  ErrorNote,
  formatCount,
  Icon,
  Link,
  Loading,
  Mark,
  plural,
  recall,
  remember,
  useShortcuts,
  useStickToBottom,
} from "../../ui";
import { EntryPanel } from "../entries";
import "./chat.css";
import { Composer } from "./Composer";
import { Answer, Question } from "./MessageView";
import type { Chat } from "./useChat";

export interface ChatViewProps {
  chat: Chat;
  kb: Kb;
  models: readonly Model[];
  model: string;
  onModel: (id: string) => void;
  maxQuestionBytes: number;
}

const kModelKey = "quintet.model";

/** The model a person chose last, if the server still has it; else its default. */
export function useModelChoice(models: readonly Model[]): [string, (id: string) => void] {
  const [chosen, setChosen] = useState(() => recall("local", kModelKey));
  const model = models.find((m) => m.id === chosen) ?? models.find((m) => m.is_default) ?? models[0];
  return [
    model?.id ?? "",
    (id) => {
      setChosen(id);
      remember("local", kModelKey, id);
    },
  ];
}

export function ChatView({ chat, kb, models, model, onModel, maxQuestionBytes }: ChatViewProps) {
  const conversationId = chat.conversation?.id ?? null;
  const [entry, setEntry] = useState<string | null>(null);
  const composer = useRef<HTMLTextAreaElement>(null);
  const { outer, inner, isAtEnd, jumpToEnd } = useStickToBottom<HTMLDivElement, HTMLDivElement>(
    String(chat.generation),
  );
  const draftKey = `quintet.draft.${conversationId ?? "new"}`;
  const isAnswering = chat.phase !== "idle";
  const lastQuestion = chat.messages.findLast((message) => message.role === "user")?.text ?? null;

  const ask = (question: string) => {
    jumpToEnd();
    void chat.ask(question);
  };

  useShortcuts([
    {
      keys: "Escape",
      label: "Stop the answer",
      whileTyping: true,
      run: () => {
        if (!isAnswering) return false;
        void chat.stop();
        return true;
      },
    },
    { keys: "i", label: "Write a question", run: () => composer.current?.focus() },
    { keys: "ArrowUp", label: "In an empty field: take the last question again", run: () => false },
  ]);

  return (
    <section className="chat" aria-label="Chat">
      <div className="chat-scroll" ref={outer} tabIndex={chat.messages.length > 0 ? 0 : undefined}>
        <div className="chat-column" ref={inner}>
          {chat.loadError !== null ? (
            <ErrorNote error={chat.loadError} onRetry={chat.reload} />
          ) : chat.isLoading ? (
            <Loading label="Loading the conversation" rows={5} />
          ) : chat.messages.length === 0 ? (
            <Welcome kb={kb} onAsk={ask} />
          ) : (
            chat.messages.map((message, i) =>
              message.role === "user" ? (
                <Question key={`${chat.generation} ${i}`} message={message} />
              ) : (
                <Answer
                  key={`${chat.generation} ${i}`}
                  message={message}
                  isLast={i === chat.messages.length - 1 && !isAnswering}
                  notice={i === chat.messages.length - 1 ? chat.notice : null}
                  onOpenEntry={setEntry}
                  onAsk={ask}
                  onRetry={(id) => void chat.retry(id)}
                  onRate={(id, rating, comment) => void chat.rate(id, rating, comment)}
                />
              ),
            )
          )}
          {chat.failure !== null && (
            <div className="note note-error" role="alert">
              <Icon name="warning" size={18} />
              <p>{chat.failure.message}</p>
              {chat.failure.question !== "" && (
                <Button
                  look="quiet"
                  icon="retry"
                  onClick={() => {
                    remember("session", draftKey, null);
                    ask(chat.failure?.question ?? "");
                  }}
                >
                  Retry
                </Button>
              )}
            </div>
          )}
        </div>
      </div>
      <div className="chat-foot">
        {!isAtEnd && (
          <button type="button" className="jump" onClick={jumpToEnd}>
            <Icon name="chevron" size={15} /> Latest
          </button>
        )}
        <Composer
          key={`${chat.generation} ${chat.failure?.question ?? ""}`}
          textRef={composer}
          draftKey={draftKey}
          placeholder={`Ask ${kb.title || kb.name}`}
          maxBytes={maxQuestionBytes}
          isAnswering={isAnswering}
          isDisabled={chat.isLoading}
          models={models}
          model={model}
          onModel={onModel}
          onSend={ask}
          onStop={() => void chat.stop()}
          lastQuestion={lastQuestion}
          restored={chat.failure?.question}
        />
      </div>
      <p className="visually-hidden" role="status">
        {isAnswering ? "Answering" : chat.messages.length > 0 ? "Answer complete" : ""}
      </p>
      {entry !== null && (
        <EntryPanel kb={chat.conversation?.kb || kb.name} id={entry} onClose={() => setEntry(null)} />
      )}
    </section>
  );
}

function Welcome({ kb, onAsk }: { kb: Kb; onAsk: (question: string) => void }) {
  if (kb.n_entries === 0) {
    return (
      <Empty icon="book" title={`${kb.title || kb.name} has no entries yet`}>
        <p>Import a file or write the first entry, and it can be asked about at once.</p>
        <Link className="button button-primary" href={`/faq/knowledge/${encodeURIComponent(kb.name)}`}>
          Add entries
        </Link>
      </Empty>
    );
  }
  return (
    <div className="welcome">
      <Mark size={40} />
      <h1>{kb.title || kb.name}</h1>
      <p className="welcome-about">
        {kb.description ||
          `Answers from ${plural(kb.n_entries, "entry", "entries")}, word for word, with their source.`}
      </p>
      {kb.suggested.length > 0 && (
        <ul className="suggested" aria-label="Suggested questions">
          {kb.suggested.map((question) => (
            <li key={question}>
              <button type="button" onClick={() => onAsk(question)}>
                {question}
              </button>
            </li>
          ))}
        </ul>
      )}
      <p className="welcome-size">{formatCount(kb.n_entries)} entries</p>
    </div>
  );
}

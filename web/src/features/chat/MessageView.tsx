import { memo, useId, useState } from "react";
import type { Message, Rating } from "../../api";
import { Button, copyText, formatPercent, Icon, IconButton, Markdown, showToast } from "../../ui";
import { MessageDetails } from "./MessageDetails";

const kShownChars = 4000;

export const Question = memo(function Question({ message }: { message: Message }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = message.text.length > kShownChars;
  return (
    <article className="question" aria-label="You asked">
      <div className="question-text plain-text">
        {isLong && !isWhole ? `${message.text.slice(0, kShownChars)} …` : message.text}
      </div>
      {isLong && (
        <Button look="quiet" onClick={() => setWhole(!isWhole)}>
          {isWhole ? "Show less" : "Show everything"}
        </Button>
      )}
    </article>
  );
});

export interface AnswerProps {
  message: Message;
  isLast: boolean;
  notice: string | null;
  onOpenEntry: (id: string) => void;
  onAsk: (question: string) => void;
  onRetry: (messageId: string) => void;
  onRate: (messageId: string, rating: Rating, comment?: string) => void;
}

export const Answer = memo(function Answer(props: AnswerProps) {
  const { message, isLast, notice, onRetry } = props;
  const isLive = message.status === "streaming";
  const [showsDetails, setShowsDetails] = useState(false);
  const detailsId = useId();

  return (
    <article
      className={message.refused ? "answer is-refused" : "answer"}
      aria-label="Answer"
      aria-busy={isLive}
    >
      {message.refused && (
        <p className="answer-refused">
          <Icon name="help" size={17} /> Not covered by this knowledge base
        </p>
      )}
      {isLive && message.text === "" ? (
        <div className="thinking" role="status">
          <span aria-hidden="true">
            <i />
            <i />
            <i />
            <i />
            <i />
          </span>
          <span className={notice === null ? "visually-hidden" : "thinking-notice"}>
            {notice ?? "Answering"}
          </span>
        </div>
      ) : (
        <Markdown text={message.text} withCaret={isLive} />
      )}
      {isLive && message.text !== "" && notice !== null && (
        <p className="answer-notice" role="status">
          {notice}
        </p>
      )}
      <EndNote message={message} isLast={isLast} onRetry={onRetry} />
      {!isLive && <Sources {...props} />}
      {!isLive && (
        <div className="answer-actions">
          <CopyButton text={message.text} />
          <RatingButtons {...props} />
          {isLast && <IconButton icon="retry" label="Answer again" onClick={() => onRetry(message.id)} />}
          <IconButton
            icon="info"
            label="Details"
            aria-expanded={showsDetails}
            aria-controls={detailsId}
            onClick={() => setShowsDetails(!showsDetails)}
          />
          {message.confidence !== null && !message.refused && message.status === "complete" && (
            <span className="answer-confidence">{formatPercent(message.confidence)} sure</span>
          )}
        </div>
      )}
      <div id={detailsId} hidden={!showsDetails || isLive}>
        {showsDetails && !isLive && <MessageDetails message={message} />}
      </div>
    </article>
  );
});

/** How the answer ended, unless it ended well. */
function EndNote({ message, isLast, onRetry }: Pick<AnswerProps, "message" | "isLast" | "onRetry">) {
  const texts: Partial<Record<Message["status"], string>> = {
    cancelled: "You stopped this answer.",
    interrupted: "This answer broke off; what arrived is kept.",
    failed: "This question got no answer.",
  };
  const text = texts[message.status];
  if (text === undefined) return null;
  return (
    <div className={message.status === "cancelled" ? "note" : "note note-error"} role="status">
      <p>
        {text}
        {message.error !== null && ` ${message.error}`}
      </p>
      {isLast && (
        <Button look="quiet" icon="retry" onClick={() => onRetry(message.id)}>
          Retry
        </Button>
      )}
    </div>
  );
}

function Sources({ message, onOpenEntry, onAsk }: AnswerProps) {
  return (
    <>
      {message.refused && message.nearest.length > 0 && (
        <section className="nearest" aria-label="Nearest questions">
          <h2>Did you mean</h2>
          {message.nearest.map((near) => (
            <button
              key={near.id}
              type="button"
              className="nearest-button"
              onClick={() => onAsk(near.question)}
            >
              <span>{near.question}</span>
              <span className="nearest-confidence">{formatPercent(near.confidence)}</span>
            </button>
          ))}
        </section>
      )}
      {message.entries.length > 0 && (
        <ul className="sources" aria-label="Entries this answer came from">
          {message.entries.map((entry) => (
            <li key={entry.id}>
              <button type="button" className="source" onClick={() => onOpenEntry(entry.id)}>
                <Icon name="book" size={15} />
                <span>{entry.question || entry.id}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function CopyButton({ text }: { text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    const copied = await copyText(text);
    setCopied(copied);
    showToast(copied ? "Copied" : "The browser does not allow copying here");
    setTimeout(() => setCopied(false), 1500);
  };
  return <IconButton icon={isCopied ? "check" : "copy"} label="Copy answer" onClick={() => void copy()} />;
}

function RatingButtons({ message, onRate }: Pick<AnswerProps, "message" | "onRate">) {
  const [asksComment, setAsksComment] = useState(false);
  const [comment, setComment] = useState("");
  const rate = (rating: "up" | "down") => {
    const next = message.rating === rating ? null : rating;
    onRate(message.id, next);
    setAsksComment(next === "down");
  };
  return (
    <>
      <IconButton
        icon="up"
        label="Good answer"
        aria-pressed={message.rating === "up"}
        onClick={() => rate("up")}
      />
      <IconButton
        icon="down"
        label="Bad answer"
        aria-pressed={message.rating === "down"}
        onClick={() => rate("down")}
      />
      {asksComment && (
        <form
          className="comment"
          onSubmit={(event) => {
            event.preventDefault();
            if (comment.trim() !== "") onRate(message.id, "down", comment.trim());
            setAsksComment(false);
          }}
        >
          <input
            className="input"
            aria-label="What was wrong?"
            placeholder="What was wrong? (optional)"
            maxLength={2000}
            autoFocus
            value={comment}
            onChange={(event) => setComment(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Escape") return;
              event.stopPropagation();
              setAsksComment(false);
            }}
          />
          <Button type="submit">{comment.trim() === "" ? "Skip" : "Send comment"}</Button>
        </form>
      )}
    </>
  );
}

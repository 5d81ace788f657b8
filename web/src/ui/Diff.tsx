import { diffWords } from "./diffWords";

/** What changed between two texts, word by word, in marks that also screen readers tell apart. */
export function Diff({ before, after }: { before: string; after: string }) {
  return (
    <div className="plain-text">
      {diffWords(before, after).map((part, i) => {
        if (part.kind === "added")
          return (
            <ins key={i} className="diff-added">
              {part.text}
            </ins>
          );
        if (part.kind === "removed")
          return (
            <del key={i} className="diff-removed">
              {part.text}
            </del>
          );
        return <span key={i}>{part.text}</span>;
      })}
    </div>
  );
}

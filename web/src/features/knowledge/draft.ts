import type { Entry, EntryDraft } from "../../api";

export const kEmptyDraft: EntryDraft = {
  question: "",
  answer: "",
  alternatives: [],
  tags: [],
  language: "",
  url: "",
};

export function draftOf(entry: Entry): EntryDraft {
  const { question, answer, alternatives, tags, language, url } = entry;
  return { question, answer, alternatives, tags, language, url };
}

/** What is saved: no blanks around, no empty or repeated items. */
export function cleanDraft(draft: EntryDraft): EntryDraft {
  const unique = (items: readonly string[]) => [...new Set(items.map((item) => item.trim()))].filter(Boolean);
  return {
    question: draft.question.trim(),
    answer: draft.answer.trim(),
    alternatives: unique(draft.alternatives).filter((text) => text !== draft.question.trim()),
    tags: unique(draft.tags),
    language: draft.language.trim(),
    url: draft.url.trim(),
  };
}

export function isSameDraft(a: EntryDraft, b: EntryDraft): boolean {
  return JSON.stringify(cleanDraft(a)) === JSON.stringify(cleanDraft(b));
}

export type DraftProblems = Partial<Record<keyof EntryDraft, string>>;

export function checkDraft(draft: EntryDraft): DraftProblems {
  const { question, answer, language, url } = cleanDraft(draft);
  const problems: DraftProblems = {};
  if (question === "") problems.question = "Write the question people ask.";
  else if (question.length > 2000) problems.question = "A question has at most 2,000 characters.";
  if (answer === "") problems.answer = "Write the answer they get.";
  if (url !== "" && !/^https?:\/\/\S+$/i.test(url)) problems.url = "A link starts with http:// or https://.";
  if (language !== "" && !/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(language)) {
    problems.language = "Use a language code such as en, de or pt-BR.";
  }
  return problems;
}

/** A name for the address made from a title: a-z, 0-9 and dashes, at most 64. */
export function slugOf(title: string): string {
  return title
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/ß/g, "ss")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64)
    .replace(/-+$/, "");
}

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "apps/faq/import_readers.h"
#include "apps/faq/markdown_text.h"
#include "core/text.h"

namespace quintet::faq {

namespace {

enum class Mark : std::uint8_t { none, question, answer };

struct MarkWord {
  std::string_view word;
  Mark mark;
};

constexpr std::array kMarkWords = {
    MarkWord{"question", Mark::question}, MarkWord{"answer", Mark::answer},
    MarkWord{"frage", Mark::question},    MarkWord{"antwort", Mark::answer},
    MarkWord{"pregunta", Mark::question}, MarkWord{"respuesta", Mark::answer},
    MarkWord{"domanda", Mark::question},  MarkWord{"risposta", Mark::answer},
    MarkWord{"pergunta", Mark::question}, MarkWord{"resposta", Mark::answer},
    MarkWord{"vraag", Mark::question},    MarkWord{"antwoord", Mark::answer},
    MarkWord{"réponse", Mark::answer},    MarkWord{"reponse", Mark::answer},
    MarkWord{"q", Mark::question},        MarkWord{"a", Mark::answer},
};

/// "Q: ...", "Q1. ...", "Question 3: ...", "**A:** ...": which, and the rest of the line.
Mark mark_of(std::string_view line, std::string_view& rest) {
  auto text = trim_left(line, " \t");
  std::string_view emphasis;
  if (text.starts_with("**") || text.starts_with("__")) {
    emphasis = text.substr(0, 2);
    text.remove_prefix(2);
  }
  for (const auto& known : kMarkWords) {
    if (!starts_with_ignoring_case(text, known.word)) continue;
    auto after = text.substr(known.word.size());
    const auto digits_start = trim_left(after, " ");
    const auto number = trim_left(digits_start, "0123456789");
    const bool has_number = number.size() < digits_start.size() && digits_start.size() - number.size() <= 5;
    if (has_number) after = number;
    if (!emphasis.empty() && after.starts_with(emphasis)) {  // **Q**: ...
      after.remove_prefix(2);
      emphasis = {};
    }
    // "Q." and "A." alone begin initials and lists too often; "Q1." does not.
    const bool full_colon = after.starts_with("\xEF\xBC\x9A");
    if (!full_colon && !after.starts_with(':') &&
        !(has_number && (after.starts_with('.') || after.starts_with(')'))))
      continue;
    after.remove_prefix(full_colon ? 3 : 1);
    if (!emphasis.empty()) {
      if (after.starts_with(emphasis)) {  // **Q:** ...
        after.remove_prefix(2);
      } else if (const auto end = after.rfind(emphasis);
                 end != std::string_view::npos && trim(after.substr(end + 2)).empty()) {
        after = after.substr(0, end);  // **Q: ...?**
      }
    }
    rest = trim(after);
    return known.mark;
  }
  return Mark::none;
}

std::string_view heading_text(std::string_view line) {
  const auto level = std::min(line.find_first_not_of('#'), line.size());
  return level > 0 && level <= 6 && level < line.size() && line[level] == ' ' ? trim(line.substr(level))
                                                                              : std::string_view{};
}

/// Paragraphs without any marks. A paragraph whose first line asks something begins an entry; where nothing
/// has a question mark, the first line of each paragraph does, or each paragraph of one line in turn.
void import_paragraphs(const std::vector<std::string_view>& lines, ImportCollector& collector) {
  struct Paragraph {
    std::size_t first;
    std::size_t end;
  };
  std::vector<Paragraph> paragraphs;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (trim(lines[i]).empty()) continue;
    if (i == 0 || trim(lines[i - 1]).empty()) paragraphs.push_back({i, i});
    paragraphs.back().end = i + 1;
  }
  const auto asks = [&](const Paragraph& paragraph) {
    const auto line = trim(lines[paragraph.first]);
    return line.size() < 1000 && (line.ends_with('?') || (reads_as_question(line) && line.back() != '.'));
  };
  const bool any_asks = std::any_of(paragraphs.begin(), paragraphs.end(), asks);
  std::optional<FoundEntry> open;
  const auto close = [&] {
    if (open) collector.add(std::move(*open));
    open.reset();
  };
  for (const auto& paragraph : paragraphs) {
    if (collector.full()) return;
    const bool is_single = paragraph.end == paragraph.first + 1;
    const bool begins = any_asks ? asks(paragraph) : !is_single || !open || !open->entry.answer.empty();
    std::size_t line = paragraph.first;
    if (begins) {
      close();
      open = FoundEntry{{}, {line + 1, 1}};
      open->entry.question = strip_number(lines[line++]);
    } else if (!open) {
      continue;  // an introduction
    }
    if (!open->entry.answer.empty()) open->entry.answer += '\n';
    for (; line < paragraph.end; ++line) {
      open->entry.answer += lines[line];
      open->entry.answer += '\n';
    }
  }
  close();
}

}  // namespace

bool import_marked_questions(const std::vector<std::string_view>& lines, std::size_t first,
                             ImportCollector& collector) {
  bool questions = false;
  bool answers = false;
  for (std::size_t i = first; i < lines.size(); ++i) {
    std::string_view rest;
    const auto mark = mark_of(lines[i], rest);
    questions = questions || mark == Mark::question;
    answers = answers || (questions && mark == Mark::answer);
  }
  if (!questions || !answers) return false;

  std::optional<FoundEntry> open;
  bool in_answer = false;
  bool in_fence = false;
  std::string section;
  const auto close = [&] {
    if (open) collector.add(std::move(*open));
    open.reset();
  };
  for (std::size_t i = first; i < lines.size() && !collector.full(); ++i) {
    const auto line = lines[i];
    const auto text = trim(line);
    if (text.starts_with("```") || text.starts_with("~~~")) in_fence = !in_fence;
    std::string_view rest;
    const auto mark = in_fence ? Mark::none : mark_of(line, rest);
    if (mark == Mark::question) {
      if (open && !in_answer) {  // several ways to ask, one answer
        open->entry.alternatives.push_back(plain_heading(rest));
        continue;
      }
      close();
      open = FoundEntry{{}, {i + 1, 1}};
      open->entry.question = rest;
      if (!section.empty()) open->entry.tags.push_back(section);
      in_answer = false;
    } else if (mark == Mark::answer && open && !in_answer) {
      in_answer = true;
      open->entry.question = plain_heading(clean_line(open->entry.question));
      open->entry.answer = rest;
      open->entry.answer += '\n';
    } else if (const auto heading = in_fence ? std::string_view{} : heading_text(line); !heading.empty()) {
      close();
      section = plain_heading(heading);
    } else if (open && in_answer) {
      open->entry.answer += line;
      open->entry.answer += '\n';
    } else if (open && !text.empty()) {
      auto& question =
          open->entry.alternatives.empty() ? open->entry.question : open->entry.alternatives.back();
      question += cat(" ", text);
    }
  }
  close();
  return true;
}

void import_text(std::string_view text, ImportCollector& collector) {
  const auto lines = split(text, '\n');
  if (!import_marked_questions(lines, 0, collector)) import_paragraphs(lines, collector);
}

}  // namespace quintet::faq

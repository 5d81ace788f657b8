#include "apps/faq/answerer.h"

#include <algorithm>
#include <array>

#include "apps/faq/citation_filter.h"
#include "core/error.h"
#include "core/text.h"
#include "llm/token_estimate.h"
#include "retrieval/text_analysis.h"

namespace quintet::faq {

namespace {

constexpr std::string_view kRefusalText = "I could not find an answer to that in this FAQ.";
constexpr std::size_t kMaxSources = 40;
// A follow-up leans on the question before it; asked alone it is short. Longer questions stand for
// themselves.
constexpr std::size_t kMaxFollowUpWords = 10;
constexpr std::ptrdiff_t kMaxTopicalWords = 2;
// Below this a question is not even worth offering.
constexpr double kMinOfferedConfidence = 0.02;

/// "and on the phone?", "how long does that take?": little of its own to say, and an English sign that it
/// leans on what came before, or only a word or two in any language. "Why do whales sing?" begins like one
/// but brings its own topic.
bool looks_like_follow_up(std::string_view text) {
  constexpr std::array kOpenings = {"and",      "but",        "or",        "also",   "then",
                                    "ok",       "okay",       "why",       "so",     "how long",
                                    "how much", "what about", "how about", "what if"};
  constexpr std::array kPronouns = {"it",    "its",  "that", "this", "these",
                                    "those", "they", "them", "one",  "there"};
  const auto tokens = retrieval::analyse(text);
  const auto n_topical = std::count_if(tokens.begin(), tokens.end(),
                                       [](const retrieval::Token& token) { return !token.is_function; });
  if (tokens.empty() || tokens.size() > kMaxFollowUpWords || n_topical > kMaxTopicalWords) return false;
  if (tokens.size() <= 2) return true;
  const std::string start = cat(tokens[0].word, " ");
  const std::string longer_start = cat(start, tokens[1].word, " ");
  const bool opens = std::any_of(kOpenings.begin(), kOpenings.end(), [&](std::string_view opening) {
    const std::string wanted = cat(opening, " ");
    return start == wanted || longer_start == wanted;
  });
  return opens || std::any_of(tokens.begin(), tokens.end(), [&](const retrieval::Token& token) {
           return std::find(kPronouns.begin(), kPronouns.end(), token.word) != kPronouns.end();
         });
}

std::optional<std::string> last_question(const std::vector<Turn>& history) {
  for (auto turn = history.rbegin(); turn != history.rend(); ++turn)
    if (turn->role == Role::user) return turn->text;
  return std::nullopt;
}

/// The budgets that leave room for each other in a model's context. Tokens are estimates here, and those of a
/// model with a small vocabulary are more, so a quarter of the context is left free.
AnswererOptions fit(AnswererOptions options, std::int64_t context_tokens, std::string_view question) {
  if (context_tokens <= 0) return options;  // not known
  constexpr std::int64_t kInstructionTokens = 500;
  const std::int64_t usable = context_tokens * 3 / 4 - estimate_tokens(question) - kInstructionTokens;
  const auto at_most = [](std::int64_t limit, std::int64_t wanted, std::int64_t least) {
    return std::min(limit, std::max(least, wanted));
  };
  options.max_output_tokens = static_cast<int>(at_most(options.max_output_tokens, usable / 4, 64));
  options.history_budget_tokens = at_most(options.history_budget_tokens, usable / 8, 0);
  options.knowledge_budget_tokens = at_most(
      options.knowledge_budget_tokens, usable - options.max_output_tokens - options.history_budget_tokens, 0);
  return options;
}

/// An entry's text cannot close the element it stands in, whatever it contains.
std::string as_data(std::string_view text) {
  return replace_all(replace_all(std::string(text), "</", "<\\/"), "<entry", "<\\entry");
}

std::string format_entries(const std::vector<const FaqEntry*>& sources) {
  std::string out;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    out += cat("<entry id=\"E", i + 1, "\">\n<question>", as_data(sources[i]->question),
               "</question>\n<answer>", as_data(sources[i]->answer), "</answer>\n</entry>\n");
  }
  return out;
}

/// The latest turns that fit, oldest first.
std::vector<Message> trimmed_history(const std::vector<Turn>& history, std::int64_t budget_tokens) {
  std::vector<Message> kept;
  for (auto turn = history.rbegin(); turn != history.rend(); ++turn) {
    budget_tokens -= estimate_tokens(turn->text);
    if (budget_tokens < 0) break;
    kept.push_back(turn->role == Role::user ? Message::user(turn->text) : Message::assistant(turn->text));
  }
  // A conversation that begins with an answer makes no sense to a model.
  while (!kept.empty() && kept.back().role != Role::user) kept.pop_back();
  std::reverse(kept.begin(), kept.end());
  return kept;
}

}  // namespace

struct Answerer::Retrieved {
  MatchResult matches;
};

Answerer::Retrieved Answerer::retrieve(const TrainedKnowledge& knowledge, const Question& question) const {
  Retrieved retrieved{knowledge.matcher->match(question.text, kMaxSources)};
  if (retrieved.matches.answerable || !looks_like_follow_up(question.text)) return retrieved;
  const auto previous = last_question(question.history);
  if (!previous) return retrieved;
  MatchResult with_context = knowledge.matcher->match(cat(*previous, " ", question.text), kMaxSources);
  if (with_context.answerable) retrieved.matches = std::move(with_context);
  return retrieved;
}

void Answerer::check_question(std::string_view text) const {
  if (trim(text).empty()) throw InvalidArgument("the question is empty");
  if (text.size() > options_.max_question_bytes)
    throw InvalidArgument(cat("the question has ", text.size(), " bytes; at most ",
                              options_.max_question_bytes, " are read. Ask in a few sentences"));
}

Answer Answerer::answer(const TrainedKnowledge& knowledge, const Question& question, ChatModel& model,
                        const AnswerSink& sink, std::stop_token stop) const {
  check_question(question.text);
  const Retrieved retrieved = retrieve(knowledge, question);
  Answer answer;
  if (model.info().is_generative) {
    ask_generative(knowledge, question, retrieved, model, sink, stop, answer);
  } else {
    ask_extractive(knowledge, question, retrieved, model, sink, stop, answer);
  }
  if (answer.refused) answer.text = kRefusalText;
  for (const auto& match : retrieved.matches.ranked) {
    if (answer.nearest.size() == options_.n_nearest || match.confidence < kMinOfferedConfidence) break;
    const FaqEntry& entry = knowledge.entries[match.entry];
    if (std::find(answer.entry_ids.begin(), answer.entry_ids.end(), entry.id) != answer.entry_ids.end())
      continue;
    answer.nearest.push_back({entry.id, entry.question, match.confidence});
  }
  return answer;
}

void Answerer::ask_extractive(const TrainedKnowledge& knowledge, const Question& question,
                              const Retrieved& retrieved, ChatModel& model, const AnswerSink& sink,
                              std::stop_token stop, Answer& answer) const {
  ChatRequest request;
  request.messages = {Message::user(question.text)};
  request.answer_threshold = retrieved.matches.threshold;
  request.app = "faq";
  request.key_id = question.key_id;
  request.trace = question.trace;
  for (const auto& match : retrieved.matches.ranked) {
    if (request.sources.size() > options_.n_nearest) break;
    const FaqEntry& entry = knowledge.entries[match.entry];
    request.sources.push_back({entry.id, entry.question, entry.answer, match.confidence});
  }
  answer.response = model.chat(
      request,
      [&](const ChatEvent& event) {
        if (const auto* delta = std::get_if<TextDelta>(&event)) sink(AnswerDelta{delta->text});
      },
      stop);
  answer.text = answer.response.message.text();
  answer.refused = answer.response.stop_reason == StopReason::refused;
  answer.confidence = answer.response.confidence;
  answer.entry_ids = answer.response.cited_sources;
}

void Answerer::ask_generative(const TrainedKnowledge& knowledge, const Question& question,
                              const Retrieved& retrieved, ChatModel& model, const AnswerSink& sink,
                              std::stop_token stop, Answer& answer) const {
  const AnswererOptions budget_of = fit(options_, model.info().context_tokens, question.text);
  std::vector<const FaqEntry*> sources;
  if (knowledge.n_tokens <= budget_of.knowledge_budget_tokens) {
    for (const auto& entry : knowledge.entries) sources.push_back(&entry);
  } else {
    std::int64_t budget = budget_of.knowledge_budget_tokens;
    for (const auto& match : retrieved.matches.ranked) {
      const FaqEntry& entry = knowledge.entries[match.entry];
      budget -= estimate_tokens(entry.question) + estimate_tokens(entry.answer);
      if (budget < 0 && !sources.empty()) break;
      sources.push_back(&entry);
    }
  }
  const RenderedPrompt prompt = prompts_.render(
      "faq_answer", {{"entries", format_entries(sources)}, {"refusal_marker", std::string(kRefusalMarker)}});
  ChatRequest request;
  request.messages = trimmed_history(question.history, budget_of.history_budget_tokens);
  request.messages.insert(request.messages.begin(), Message::system(prompt.text));
  request.messages.push_back(Message::user(question.text));
  request.sampling.temperature = 0.1;
  request.max_output_tokens = budget_of.max_output_tokens;
  request.app = "faq";
  request.key_id = question.key_id;
  request.trace = question.trace;
  request.prompt_version = prompt.version_tag;
  answer.prompt = prompt.version_tag;

  CitationFilter filter(sources.size());
  const auto show = [&](std::string text) {
    if (text.empty()) return;
    answer.text += text;
    sink(AnswerDelta{std::move(text)});
  };
  answer.response = model.chat(
      request,
      [&](const ChatEvent& event) {
        if (const auto* delta = std::get_if<TextDelta>(&event)) show(filter.feed(delta->text));
        if (const auto* retry = std::get_if<RetryNotice>(&event)) sink(*retry);
      },
      stop);
  show(filter.finish());

  for (const std::size_t index : filter.cited()) answer.entry_ids.push_back(sources[index]->id);
  for (const auto& match : retrieved.matches.ranked) {
    const std::string& id = knowledge.entries[match.entry].id;
    if (std::find(answer.entry_ids.begin(), answer.entry_ids.end(), id) != answer.entry_ids.end())
      answer.confidence = std::max(answer.confidence, match.confidence);
  }
  const bool is_whole = answer.response.stop_reason != StopReason::cancelled &&
                        answer.response.stop_reason != StopReason::interrupted;
  answer.refused = filter.refused() || answer.response.stop_reason == StopReason::refused;
  if (is_whole && !answer.refused && answer.entry_ids.empty()) {
    sink(AnswerReset{"the answer named no entry of this FAQ, so it is not shown"});
    answer.refused = true;
  }
}

}  // namespace quintet::faq

#include "llm/engine_model.h"

#include <algorithm>
#include <new>

#include "core/error.h"
#include "core/text.h"
#include "inference/model_names.h"
#include "llm/response_builder.h"

namespace quintet {

namespace {

constexpr std::string_view kThinkBegin = "<think>";
constexpr std::string_view kThinkEnd = "</think>";

// Stands inside a special token's text that came with a message, so that it is read as plain text; the
// tokenizer takes it out. A private-use character, replaced where a message holds one itself.
constexpr std::string_view kCut = "\xEE\x80\x80";  // U+E000

/// `text` with a cut inside everything that would be read as a special token.
std::string cut_special_tokens(std::string text, const Tokenizer& tokenizer) {
  text = replace_all(std::move(text), kCut, "\xEF\xBF\xBD");
  for (const AddedToken& token : tokenizer.data().added_tokens) {
    const std::string& content = token.text;
    if (content.size() < 2 || text.find(content) == std::string::npos) continue;
    std::size_t first = 0;
    next_code_point(content, first);
    if (first >= content.size()) continue;
    text = replace_all(std::move(text), content, cat(content.substr(0, first), kCut, content.substr(first)));
  }
  return text;
}

Json message_json(const Message& message, const Tokenizer& tokenizer) {
  JsonObject json{{"role", role_name(message.role)}};
  std::string text;
  JsonArray calls;
  for (const Part& part : message.parts) {
    if (const auto* plain = std::get_if<TextPart>(&part)) {
      text += plain->text;
    } else if (const auto* result = std::get_if<ToolResultPart>(&part)) {
      text += result->content;
      json["tool_call_id"] = result->call_id;
    } else if (const auto* reasoning = std::get_if<ReasoningPart>(&part)) {
      json["reasoning_content"] = cut_special_tokens(reasoning->text, tokenizer);
    } else if (const auto* call = std::get_if<ToolCallPart>(&part)) {
      calls.push_back(
          JsonObject{{"type", "function"},
                     {"id", call->id},
                     {"function", JsonObject{{"name", call->name}, {"arguments", call->arguments}}}});
    } else {
      throw Unsupported("models that run here read text only; this message holds an image");
    }
  }
  json["content"] = cut_special_tokens(std::move(text), tokenizer);
  if (!calls.empty()) json["tool_calls"] = std::move(calls);
  return json;
}

SamplingOptions sampling_options(const Sampling& sampling) {
  SamplingOptions options;
  options.temperature = static_cast<float>(sampling.temperature.value_or(0.7));
  options.top_k = sampling.top_k.value_or(40);
  options.top_p = static_cast<float>(sampling.top_p.value_or(0.95));
  options.min_p = static_cast<float>(sampling.min_p.value_or(0.05));
  options.frequency_penalty = static_cast<float>(sampling.frequency_penalty.value_or(0.0));
  options.presence_penalty = static_cast<float>(sampling.presence_penalty.value_or(0.0));
  options.repeat_penalty = static_cast<float>(sampling.repeat_penalty.value_or(1.0));
  options.seed = sampling.seed ? *sampling.seed : random_seed();  // "try again" means another answer
  return options;
}

StopReason stop_reason(FinishReason reason) noexcept {
  switch (reason) {
    case FinishReason::end: return StopReason::end;
    case FinishReason::stop_string: return StopReason::stop_sequence;
    case FinishReason::max_tokens:
    case FinishReason::context_full: return StopReason::max_tokens;
    case FinishReason::cancelled: return StopReason::cancelled;
  }
  return StopReason::end;
}

/// How many bytes at the end of `text` may be the beginning of `mark`.
std::size_t possible_beginning(std::string_view text, std::string_view mark) noexcept {
  for (std::size_t n = std::min(mark.size() - 1, text.size()); n > 0; --n)
    if (text.ends_with(mark.substr(0, n))) return n;
  return 0;
}

}  // namespace

void ThoughtSplitter::take(std::string_view text, Pieces& pieces) {
  if (is_thinking_) {
    pieces.reasoning += text;
    return;
  }
  if (!has_said_) {  // blank lines between a thought and the answer are no part of either
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    text.remove_prefix(std::min(begin, text.size()));
    has_said_ = !text.empty();
  }
  pieces.text += text;
}

ThoughtSplitter::Pieces ThoughtSplitter::push(std::string_view text) {
  Pieces pieces;
  held_ += text;
  for (;;) {
    // A thought comes first or not at all: "<think>" in the middle of an answer is text.
    const std::string_view mark = is_thinking_ ? kThinkEnd : kThinkBegin;
    if (!is_thinking_ && has_said_) break;
    const std::size_t at = held_.find(mark);
    if (at == std::string::npos) break;
    const bool is_first = held_.find_first_not_of(" \t\r\n") == at;
    if (!is_thinking_ && !is_first) break;
    take(std::string_view(held_).substr(0, at), pieces);
    held_.erase(0, at + mark.size());
    is_thinking_ = !is_thinking_;
  }
  const std::size_t n_kept =
      !is_thinking_ && has_said_ ? 0 : possible_beginning(held_, is_thinking_ ? kThinkEnd : kThinkBegin);
  take(std::string_view(held_).substr(0, held_.size() - n_kept), pieces);
  held_.erase(0, held_.size() - n_kept);
  return pieces;
}

ThoughtSplitter::Pieces ThoughtSplitter::finish() {
  Pieces pieces;
  take(held_, pieces);
  held_.clear();
  return pieces;
}

std::vector<TokenId> encode_conversation(const LoadedModel& loaded, const ChatRequest& request) {
  ChatTemplateInput input;
  JsonArray messages;
  for (const Message& message : request.messages) messages.push_back(message_json(message, loaded.tokenizer));
  input.messages = std::move(messages);
  input.add_generation_prompt = true;
  input.variables = loaded.template_variables();
  const std::string rendered = loaded.chat_template.render(input);
  auto tokens = loaded.tokenizer.encode(rendered, {.add_special = false, .parse_special = true, .cut = kCut});
  const auto& prefix = loaded.tokenizer.data().prefix_ids;  // most templates write it themselves
  if (!prefix.empty() && (tokens.empty() || tokens.front() != prefix.front()))
    tokens.insert(tokens.begin(), prefix.begin(), prefix.end());
  return tokens;
}

std::string_view engine_state_name(EngineState state) noexcept {
  switch (state) {
    case EngineState::not_loaded: return "not_loaded";
    case EngineState::loading: return "loading";
    case EngineState::loaded: return "loaded";
    case EngineState::unloading: return "unloading";
    case EngineState::failed: return "failed";
  }
  return "";
}

EngineModel::EngineModel(std::filesystem::path path, EngineOptions options, std::string name)
    : path_(std::move(path)),
      name_(name.empty() ? model_stem(path_.string()) : std::move(name)),
      options_(options) {}

EngineModel::~EngineModel() {
  if (loader_.joinable()) loader_.join();
}

ChatModelInfo EngineModel::info() const {
  const std::lock_guard lock(mutex_);
  return {.id = cat("engine:", name_),
          .provider = "engine",
          .model = name_,
          .is_generative = true,
          .context_tokens = engine_ == nullptr ? 0 : static_cast<std::int64_t>(engine_->max_seq_len()),
          .is_ready = state_ == EngineState::loading || state_ == EngineState::loaded};
}

void EngineModel::begin_load(const std::optional<EngineOptions>& options) {
  const std::lock_guard lock(mutex_);
  begin_load_locked(options);
}

void EngineModel::begin_load_locked(const std::optional<EngineOptions>& options) {
  switch (state_) {
    case EngineState::loading:
    case EngineState::loaded:
      if (options && *options != options_) {
        throw Conflict(cat(name_, " is loaded already with other settings; unload it first"));
      }
      return;
    case EngineState::unloading:
      throw Unavailable(cat(
          name_, " is being unloaded; it can be used again when ",
          n_leases_ > 0 ? cat("the ", n_leases_, " answers that it is writing have ended") : "that is done"));
    case EngineState::not_loaded:
    case EngineState::failed: break;
  }
  if (options) options_ = *options;
  if (loader_.joinable()) loader_.join();  // it has done its work: only its thread is left
  loader_ = std::thread([this, chosen = options_] { read_file(chosen); });
  state_ = EngineState::loading;
  problem_.clear();
}

void EngineModel::read_file(const EngineOptions& options) {
  std::unique_ptr<Engine> engine;
  std::exception_ptr failure;
  std::string problem;
  ErrorCode code = ErrorCode::internal;
  try {
    try {
      engine = std::make_unique<Engine>(path_, options);
    } catch (const std::bad_alloc&) {
      throw Exhausted(cat("there is not enough memory for ", name_, " with a context of ",
                          options.max_seq_len, " tokens for each of ", options.max_sequences, " answers"));
    }
  } catch (const Error& error) {
    failure = std::current_exception();
    problem = error.what();
    code = error.code();
  } catch (const std::exception& error) {
    failure = std::current_exception();
    problem = error.what();
  }
  std::unique_lock lock(mutex_);
  if (state_ == EngineState::unloading) {
    engine_ = std::move(engine);
    drop(lock);
    return;
  }
  state_ = engine == nullptr ? EngineState::failed : EngineState::loaded;
  engine_ = std::move(engine);
  failure_ = failure;
  problem_ = std::move(problem);
  problem_code_ = code;
  changed_.notify_all();
}

std::shared_ptr<Engine> EngineModel::lease(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  begin_load_locked({});
  if (!changed_.wait(lock, stop, [this] { return state_ != EngineState::loading; })) return nullptr;
  if (state_ == EngineState::failed) std::rethrow_exception(failure_);
  if (state_ != EngineState::loaded) throw Unavailable(cat(name_, " was unloaded before it could answer"));
  ++n_leases_;
  return std::shared_ptr<Engine>(engine_.get(), [this](Engine*) { give_back(); });
}

std::shared_ptr<Engine> EngineModel::load() {
  return lease({});
}

void EngineModel::give_back() noexcept {
  std::unique_lock lock(mutex_);
  --n_leases_;
  if (state_ == EngineState::unloading && n_leases_ == 0) drop(lock);
}

/// Frees the memory, which takes a while, without holding up those who look.
void EngineModel::drop(std::unique_lock<std::mutex>& lock) {
  std::unique_ptr<Engine> engine = std::move(engine_);
  if (engine != nullptr) n_generated_before_ += engine->status().n_generated;
  lock.unlock();
  engine.reset();
  lock.lock();
  state_ = EngineState::not_loaded;
  changed_.notify_all();
}

void EngineModel::unload() {
  std::unique_lock lock(mutex_);
  switch (state_) {
    case EngineState::failed:
      state_ = EngineState::not_loaded;
      problem_.clear();
      return;
    case EngineState::loading:
      state_ = EngineState::unloading;
      changed_.notify_all();
      return;
    case EngineState::loaded:
      state_ = EngineState::unloading;
      if (n_leases_ == 0) drop(lock);
      return;
    case EngineState::not_loaded:
    case EngineState::unloading: return;
  }
}

EngineReport EngineModel::report() const {
  const std::lock_guard lock(mutex_);
  EngineReport report;
  report.state = state_;
  report.problem = problem_;
  report.problem_code = problem_code_;
  report.options = options_;
  report.n_answers = n_leases_;
  report.n_generated = n_generated_before_;
  if (engine_ == nullptr) return report;
  report.memory_bytes = engine_->memory_bytes();
  report.max_seq_len = engine_->max_seq_len();
  report.n_threads = engine_->n_threads();
  report.isa = engine_->isa();
  report.status = engine_->status();
  report.n_generated += report.status.n_generated;
  return report;
}

ChatResponse EngineModel::chat(const ChatRequest& request, const ChatSink& sink, std::stop_token stop) {
  if (!request.tools.empty() && request.tool_choice.mode != ToolChoiceMode::none) {
    throw Unsupported("models that run here do not call tools in this version");
  }
  if (!std::holds_alternative<TextFormat>(request.response_format)) {
    throw Unsupported("models that run here do not write structured output in this version");
  }
  const auto engine = lease(stop);
  if (engine == nullptr) {
    ChatResponse cancelled;
    cancelled.stop_reason = StopReason::cancelled;
    cancelled.provider = "engine";
    cancelled.model = name_;
    return cancelled;
  }
  GenerationRequest generation;
  generation.prompt = encode_conversation(engine->loaded(), request);
  generation.sampling = sampling_options(request.sampling);
  generation.stop = request.stop;
  if (request.max_output_tokens)
    generation.max_tokens = static_cast<std::size_t>(std::max(1, *request.max_output_tokens));

  ResponseBuilder builder(sink);
  ThoughtSplitter splitter(engine->loaded().chat_template.capabilities().opens_thinking);
  const auto show = [&builder](const ThoughtSplitter::Pieces& pieces) {
    if (!pieces.reasoning.empty()) builder.add_reasoning(pieces.reasoning);
    if (!pieces.text.empty()) builder.add_text(pieces.text);
  };
  const auto result =
      engine->generate(generation, [&](const TokenEvent& event) { show(splitter.push(event.text)); }, stop);
  show(splitter.finish());

  ChatResponse response;
  response.message = builder.take_message();
  response.stop_reason = stop_reason(result.reason);
  response.usage = {.input_tokens = static_cast<std::int64_t>(result.n_prompt),
                    .cached_tokens = static_cast<std::int64_t>(result.n_cached),
                    .output_tokens = static_cast<std::int64_t>(result.tokens.size())};
  response.provider = "engine";
  response.model = name_;
  response.cost_usd = 0.0;
  return response;
}

}  // namespace quintet

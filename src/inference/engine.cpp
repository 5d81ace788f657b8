#include "inference/engine.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "core/error.h"
#include "core/text.h"
#include "inference/stop_strings.h"
#include "models/model.h"
#include "net/download.h"

namespace quintet {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kQueuedEvents = 64;  // of one sequence; a reader that lags further pauses its sequence

double seconds_between(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

/// Keys and values of one sequence, and the tokens they came from.
struct Slot {
  explicit Slot(KvCache& cache) : kv(cache) {}
  KvSequence kv;
  std::vector<TokenId> tokens;  // kv.length() of them
};

/// One call of generate(): what the caller's thread and the engine's thread share.
struct Job {
  Job(const GenerationRequest& r, const Tokenizer& tokenizer)
      : request(r),
        sampler(r.sampling),
        decoder(tokenizer, {.skip_special = true, .continues = !tokenizer.is_special(r.prompt.back())}),
        stops(r.stop) {}

  const GenerationRequest& request;

  // The engine's thread.
  Sampler sampler;
  TextStream decoder;
  StopStrings stops;
  std::unique_ptr<Slot> slot;
  std::vector<TokenId> pending;  // tokens that the model has not seen yet: the prompt, then the last token
  std::size_t n_pending_done = 0;
  GenerationResult result;
  Clock::time_point started, first_token, last_token;

  // Both, under `mutex`.
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<TokenEvent> events;
  bool is_done = false;
  std::exception_ptr failure;
  std::atomic<bool> is_cancelled{false};

  std::size_t n_unseen() const noexcept { return pending.size() - n_pending_done; }
};

}  // namespace

std::string_view finish_reason_name(FinishReason reason) noexcept {
  switch (reason) {
    case FinishReason::end: return "end";
    case FinishReason::stop_string: return "stop_string";
    case FinishReason::max_tokens: return "max_tokens";
    case FinishReason::context_full: return "context_full";
    case FinishReason::cancelled: return "cancelled";
  }
  return "";
}

/// Positions of the whole cache. Its memory is touched as sequences grow, so only a context that somebody
/// asked for is held against what is free.
std::size_t cache_tokens(const LoadedModel& loaded, const EngineOptions& options) {
  const std::size_t n_pages =
      (loaded.max_seq_len + kernels::kPageTokens - 1) / kernels::kPageTokens * options.max_sequences;
  const std::size_t page_bytes = KvCache::bytes_per_page(loaded.model->info().kv, options.kv_dtype);
  const std::size_t available = available_memory_bytes();
  if (options.max_seq_len > 0 && page_bytes > 0 && available > 0 && n_pages > available / page_bytes) {
    const std::size_t n_fit = available / page_bytes / options.max_sequences * kernels::kPageTokens;
    throw Exhausted(cat("there is not enough memory for a context of ", loaded.max_seq_len,
                        " tokens for each of ", options.max_sequences,
                        " answers: ", readable_bytes(available), " are free; at most ", n_fit,
                        " tokens each, or fewer answers together, would fit"));
  }
  return n_pages * kernels::kPageTokens;
}

struct Engine::State {
  EngineOptions options;
  Compute compute;
  LoadedModel loaded;
  KvCache cache;

  // The engine's thread.
  std::vector<std::shared_ptr<Job>> running;
  std::vector<std::unique_ptr<Slot>> idle;  // least recently used first
  std::vector<float> logits;
  bool is_full = false;  // the first in line found no slot or no pages; until a job ends

  // Both, under `mutex`.
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Job>> waiting;
  bool is_stopping = false;
  EngineStatus status;
  std::deque<std::pair<Clock::time_point, std::size_t>> recent;  // steps and their tokens

  std::jthread thread;  // last: it uses the rest

  State(const std::filesystem::path& path, const EngineOptions& o)
      : options(o),
        compute(o.n_threads),
        loaded(LoadedModel::load(path, compute, o.max_seq_len)),
        cache(loaded.model->info().kv, o.kv_dtype, cache_tokens(loaded, o)),
        thread([this] { run(); }) {}

  void run();
  void remove_finished();
  void admit();
  bool start(Job& job);
  void step();
  void handle_token(Job& job, std::span<float> row);
  void finish(Job& job, FinishReason reason);
  void fail(Job& job, std::exception_ptr failure);
  void note_step(std::size_t n_tokens);
};

void Engine::State::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex);
      const auto is_paused = [](const std::shared_ptr<Job>& job) {
        const std::lock_guard job_lock(job->mutex);
        return job->events.size() >= kQueuedEvents && !job->is_cancelled;
      };
      const auto has_work = [&] {
        const auto is_cancelled = [](const auto& job) { return job->is_cancelled.load(); };
        return is_stopping || (!is_full && !waiting.empty()) ||
               std::any_of(waiting.begin(), waiting.end(), is_cancelled) ||
               std::any_of(running.begin(), running.end(), [&](const auto& job) { return !is_paused(job); });
      };
      status.n_running = running.size();
      wake.wait(lock, has_work);
      if (is_stopping) break;
    }
    for (const auto& job : running)
      if (job->is_cancelled) finish(*job, FinishReason::cancelled);
    remove_finished();
    admit();
    if (!running.empty()) step();
    remove_finished();
  }
  for (const auto& job : running) finish(*job, FinishReason::cancelled);
  const std::lock_guard lock(mutex);
  for (const auto& job : waiting) finish(*job, FinishReason::cancelled);
}

void Engine::State::remove_finished() {
  if (std::erase_if(running, [](const auto& job) { return job->is_done; }) > 0) is_full = false;
}

/// Gives waiting requests a slot, in the order they came.
void Engine::State::admit() {
  std::deque<std::shared_ptr<Job>> candidates;
  {
    const std::lock_guard lock(mutex);
    candidates.swap(waiting);
  }
  for (const auto& job : candidates)
    if (job->is_cancelled) finish(*job, FinishReason::cancelled);
  std::erase_if(candidates, [](const auto& job) { return job->is_done; });
  while (!candidates.empty() && !is_full) {
    is_full = running.size() >= options.max_sequences || !start(*candidates.front());
    if (is_full) break;
    running.push_back(std::move(candidates.front()));
    candidates.pop_front();
  }
  const std::lock_guard lock(mutex);
  waiting.insert(waiting.begin(), candidates.begin(), candidates.end());  // before those that came meanwhile
  status.n_waiting = waiting.size();
}

/// Takes the idle slot whose tokens agree longest with the prompt, or a new one. False when pages are short.
bool Engine::State::start(Job& job) {
  const auto& prompt = job.request.prompt;
  const auto common = [&prompt](const Slot& slot) {
    const std::size_t n =
        std::min(slot.tokens.size(), prompt.size() - 1);  // the last token's logits are wanted
    return static_cast<std::size_t>(
        std::mismatch(prompt.begin(), prompt.begin() + static_cast<std::ptrdiff_t>(n), slot.tokens.begin())
            .first -
        prompt.begin());
  };
  std::size_t best = idle.size(), best_length = 0;
  for (std::size_t i = 0; i < idle.size(); ++i) {
    const std::size_t length = common(*idle[i]);
    if (length > best_length) best = i, best_length = length;
  }
  if (best < idle.size()) {
    job.slot = std::move(idle[best]);
    idle.erase(idle.begin() + static_cast<std::ptrdiff_t>(best));
    job.slot->kv.truncate(best_length);
    job.slot->tokens.resize(best_length);
  } else {
    job.slot = std::make_unique<Slot>(cache);
  }
  // Room for the whole answer, so that it can't be stopped half-way by a newcomer; idle slots make room.
  const std::size_t wanted = job.request.max_tokens == 0
                                 ? loaded.max_seq_len
                                 : std::min(loaded.max_seq_len, prompt.size() + job.request.max_tokens);
  const std::size_t length = job.slot->kv.length();
  while (job.slot->kv.room() < wanted && !idle.empty()) idle.erase(idle.begin());
  if (job.slot->kv.room() < wanted) {
    idle.push_back(std::move(job.slot));
    return false;
  }
  job.slot->kv.reserve(wanted - length);
  job.pending.assign(prompt.begin() + static_cast<std::ptrdiff_t>(length), prompt.end());
  job.sampler.accept(prompt);
  job.result.n_prompt = prompt.size();
  job.result.n_cached = length;
  job.started = Clock::now();
  return true;
}

void Engine::State::step() {
  std::vector<TokenId> tokens;
  std::vector<BatchSequence> pieces;
  std::vector<std::uint32_t> wanted;
  std::vector<Job*> of_piece, of_logits;
  std::size_t budget = std::max(options.prefill_chunk, running.size());
  const auto add = [&](Job& job, std::size_t n) {
    pieces.push_back({&job.slot->kv, tokens.size(), n});
    of_piece.push_back(&job);
    const auto begin = job.pending.begin() + static_cast<std::ptrdiff_t>(job.n_pending_done);
    tokens.insert(tokens.end(), begin, begin + static_cast<std::ptrdiff_t>(n));
    if (n == job.n_unseen()) {
      wanted.push_back(static_cast<std::uint32_t>(tokens.size() - 1));
      of_logits.push_back(&job);
    }
    budget -= n;
  };
  // Next tokens first: a long prompt delays them by one part of it, never by the whole.
  for (const bool is_decoding : {true, false}) {
    for (const auto& job : running) {
      if ((job->n_unseen() == 1) != is_decoding || budget == 0) continue;
      {
        const std::lock_guard lock(job->mutex);
        if (job->events.size() >= kQueuedEvents) continue;
      }
      add(*job, std::min(budget, job->n_unseen()));
    }
  }
  if (tokens.empty()) return;
  const std::size_t vocab_size = loaded.model->info().vocab_size;
  logits.resize(std::max(logits.size(), wanted.size() * vocab_size));
  try {
    loaded.model->forward(compute, {tokens, pieces, wanted},
                          MatrixView<float>(logits.data(), wanted.size(), vocab_size));
  } catch (...) {
    for (Job* job : of_piece) fail(*job, std::current_exception());
    return;
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    Job& job = *of_piece[i];
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(pieces[i].first_token);
    job.slot->tokens.insert(job.slot->tokens.end(), begin,
                            begin + static_cast<std::ptrdiff_t>(pieces[i].n_tokens));
    job.slot->kv.advance(pieces[i].n_tokens);
    job.n_pending_done += pieces[i].n_tokens;
  }
  note_step(of_logits.size());  // before they are handed out: who has a token finds it counted
  for (std::size_t i = 0; i < of_logits.size(); ++i) {
    try {
      handle_token(*of_logits[i], std::span(logits).subspan(i * vocab_size, vocab_size));
    } catch (...) {  // one sequence's logits are no reason to stop the others
      fail(*of_logits[i], std::current_exception());
    }
  }
}

void Engine::State::handle_token(Job& job, std::span<float> row) {
  TokenEvent event;
  if (job.request.n_logprobs > 0) event.alternatives = Sampler::top_logprobs(row, job.request.n_logprobs);
  const float log_sum =
      job.request.n_logprobs > 0 ? row[event.alternatives[0].token] - event.alternatives[0].logprob : 0.0f;
  const std::vector<float> unchanged =
      job.request.n_logprobs > 0 ? std::vector<float>(row.begin(), row.end()) : std::vector<float>();
  event.token = job.sampler.sample(row.first(std::min(row.size(), loaded.tokenizer.vocab_size())));
  if (job.request.n_logprobs > 0) event.logprob = unchanged[event.token] - log_sum;
  job.last_token = Clock::now();
  if (job.result.tokens.empty()) job.first_token = job.last_token;

  const auto& ends = loaded.end_tokens;
  if (!job.request.ignore_end && std::find(ends.begin(), ends.end(), event.token) != ends.end()) {
    finish(job, FinishReason::end);
    return;
  }
  job.result.tokens.push_back(event.token);
  event.text = job.stops.push(job.decoder.push(event.token));
  job.result.text += event.text;
  {
    const std::lock_guard lock(job.mutex);
    job.events.push_back(std::move(event));
  }
  job.changed.notify_one();
  if (job.stops.is_found()) return finish(job, FinishReason::stop_string);
  if (job.request.max_tokens > 0 && job.result.tokens.size() >= job.request.max_tokens)
    return finish(job, FinishReason::max_tokens);
  job.pending.assign(1, job.result.tokens.back());
  job.n_pending_done = 0;
  if (job.slot->kv.length() < loaded.max_seq_len) return;
  if (!job.request.slide) return finish(job, FinishReason::context_full);
  // Positions are part of the keys, so what stays is computed anew: the newer half of the sequence.
  auto& seen = job.slot->tokens;
  std::vector<TokenId> kept(seen.begin() + static_cast<std::ptrdiff_t>(seen.size() / 2), seen.end());
  kept.push_back(job.result.tokens.back());
  job.pending = std::move(kept);
  seen.clear();
  job.slot->kv.truncate(0);
  job.slot->kv.reserve(loaded.max_seq_len);
}

/// Ends a job whether it ran or waited; its slot becomes idle.
void Engine::State::finish(Job& job, FinishReason reason) {
  if (job.is_done) return;
  std::string rest;
  if (reason != FinishReason::stop_string) rest = job.stops.push(job.decoder.finish()) + job.stops.finish();
  job.result.text += rest;
  job.result.reason = reason;
  if (!job.result.tokens.empty()) {
    job.result.prefill_seconds = seconds_between(job.started, job.first_token);
    job.result.decode_seconds = seconds_between(job.first_token, job.last_token);
  }
  if (job.slot != nullptr) {
    // Pages beyond the length go back; the rest stays for a prompt that begins alike.
    job.slot->kv.truncate(job.slot->kv.length());
    idle.push_back(std::move(job.slot));
    while (idle.size() > options.max_sequences) idle.erase(idle.begin());
  }
  {
    const std::lock_guard lock(job.mutex);
    if (!rest.empty())
      job.events.push_back({.token = 0, .text = std::move(rest), .logprob = 0.0f, .alternatives = {}});
    job.is_done = true;
  }
  job.changed.notify_one();
}

/// Ends a job with what its caller will see thrown.
void Engine::State::fail(Job& job, std::exception_ptr failure) {
  {
    const std::lock_guard lock(job.mutex);
    job.failure = std::move(failure);
  }
  finish(job, FinishReason::cancelled);
}

void Engine::State::note_step(std::size_t n_tokens) {
  constexpr std::chrono::seconds kRecent{3};
  const auto now = Clock::now();
  const std::lock_guard lock(mutex);
  status.n_generated += n_tokens;
  recent.emplace_back(now, n_tokens);
  while (now - recent.front().first > kRecent) recent.pop_front();
  status.kv_tokens_used = (cache.n_pages() - cache.n_free_pages()) * kernels::kPageTokens;
}

Engine::Engine(const std::filesystem::path& path, const EngineOptions& options) {
  if (options.max_sequences == 0) throw InvalidArgument("an engine runs at least one sequence");
  if (options.prefill_chunk == 0) throw InvalidArgument("a prompt can't be cut into parts of 0 tokens");
  state_ = std::make_unique<State>(path, options);
}

Engine::~Engine() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_stopping = true;
  }
  state_->wake.notify_all();
  state_->thread.join();
}

const LoadedModel& Engine::loaded() const noexcept {
  return state_->loaded;
}
std::size_t Engine::max_seq_len() const noexcept {
  return state_->loaded.max_seq_len;
}
std::string_view Engine::isa() const noexcept {
  return state_->compute.matmul.isa;
}
std::size_t Engine::n_threads() const noexcept {
  return state_->compute.team.size();
}
std::size_t Engine::memory_bytes() const {
  return state_->loaded.model->info().weight_bytes + state_->cache.size_bytes();
}

EngineStatus Engine::status() const {
  const std::lock_guard lock(state_->mutex);
  EngineStatus status = state_->status;
  status.kv_tokens_total = state_->cache.n_pages() * kernels::kPageTokens;
  const auto now = Clock::now();
  std::size_t n_tokens = 0;
  std::optional<Clock::time_point> first;
  for (const auto& [when, n] : state_->recent) {
    if (now - when > std::chrono::seconds(3)) continue;
    if (!first) first = when;
    n_tokens += n;
  }
  if (first && seconds_between(*first, now) > 0.1)
    status.recent_tokens_per_s = static_cast<double>(n_tokens) / seconds_between(*first, now);
  return status;
}

GenerationResult Engine::generate(const GenerationRequest& request, const TokenSink& sink,
                                  std::stop_token stop) {
  if (request.prompt.empty()) throw InvalidArgument("there is nothing to continue: the prompt has no token");
  if (request.prompt.size() >= state_->loaded.max_seq_len) {
    throw InvalidArgument(cat("the prompt has ", request.prompt.size(), " tokens, the context holds ",
                              state_->loaded.max_seq_len, " and needs room for an answer"));
  }
  for (const TokenId token : request.prompt) {
    if (token >= state_->loaded.model->info().vocab_size)
      throw InvalidArgument(cat("there is no token ", token, " in this model's vocabulary"));
  }
  const auto job = std::make_shared<Job>(request, state_->loaded.tokenizer);
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->waiting.size() >= state_->options.max_waiting) {
      throw Exhausted(cat(state_->waiting.size(), " requests wait for the model already; try again later"));
    }
    state_->waiting.push_back(job);
    state_->status.n_waiting = state_->waiting.size();
  }
  state_->wake.notify_one();
  const auto wake_engine = [this] {
    {
      const std::lock_guard lock(state_->mutex);
    }  // the engine is either before its check or asleep
    state_->wake.notify_one();
  };
  const std::stop_callback on_stop(stop, [&] {
    job->is_cancelled = true;
    wake_engine();
  });
  std::exception_ptr thrown;
  for (;;) {
    std::unique_lock lock(job->mutex);
    job->changed.wait(lock, [&] { return !job->events.empty() || job->is_done; });
    if (job->events.empty()) break;
    const bool was_full = job->events.size() >= kQueuedEvents;
    const TokenEvent event = std::move(job->events.front());
    job->events.pop_front();
    lock.unlock();
    if (was_full) wake_engine();
    if (!sink || thrown) continue;
    try {
      sink(event);
    } catch (...) {  // the engine uses the request until it has let go of it
      thrown = std::current_exception();
      job->is_cancelled = true;
      wake_engine();
    }
  }
  if (thrown) std::rethrow_exception(thrown);
  if (job->failure) std::rethrow_exception(job->failure);
  return std::move(job->result);
}

}  // namespace quintet

#include "nn/attention.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace quintet {

namespace {

using kernels::AttentionQueries;
using kernels::kPageTokens;
using kernels::KvHeadView;

// Queries of one task: enough that its keys and values are read from cache, few enough that threads share a
// prompt.
constexpr std::size_t kTaskQueries = 96;
constexpr std::size_t kMaxTaskQueries = 256;

struct Task {
  std::size_t sequence = 0;
  std::size_t kv_head = 0;
  std::size_t begin = 0, end = 0;  // tokens of the sequence's part of the batch
};

/// One token's heads, each by itself or all together.
void norm_heads(const Compute& compute, const AttentionConfig& config, const std::vector<float>& weight,
                std::span<float> heads) {
  if (weight.empty()) return;
  for (std::size_t begin = 0; begin < heads.size(); begin += weight.size())
    compute.vector.rms_norm(&heads[begin], weight.data(), config.norm_eps, &heads[begin], weight.size());
}

/// Norm, rotation and scale of queries; norm, rotation and storing of keys and values.
void prepare_heads(Compute& compute, const SelfAttention& self, const ForwardBatch& batch, std::size_t layer,
                   const Rotation* rotation, MatrixView<float> q, MatrixView<float> k, MatrixView<float> v) {
  const AttentionConfig& config = self.config;
  const std::size_t head_dim = config.head_dim;
  const float scale = config.scale > 0.0f ? config.scale : 1.0f / std::sqrt(static_cast<float>(head_dim));
  const std::size_t n_tokens = batch.tokens.size();
  const auto sequences = compute.scratch.take<const BatchSequence*>(n_tokens);  // of each token
  for (const BatchSequence& sequence : batch.sequences)
    std::fill_n(sequences.begin() + static_cast<std::ptrdiff_t>(sequence.first_token), sequence.n_tokens,
                &sequence);
  const auto prepare = [&](std::size_t token) {
    const BatchSequence& sequence = *sequences[token];
    norm_heads(compute, config, self.q_norm, q.row(token));
    norm_heads(compute, config, self.k_norm, k.row(token));
    for (std::size_t h = 0; h < config.n_heads; ++h) {
      float* head = q.row(token).data() + h * head_dim;
      if (rotation != nullptr) rotation->rope->rotate(compute, head, token, rotation->angles);
      compute.vector.scale(head, scale, head, head_dim);
    }
    const std::size_t position = sequence.kv->length() + token - sequence.first_token;
    std::byte* page = sequence.kv->pages()[position / kPageTokens];
    for (std::size_t h = 0; h < config.n_kv_heads; ++h) {
      float* head = k.row(token).data() + h * head_dim;
      if (rotation != nullptr) rotation->rope->rotate(compute, head, token, rotation->angles);
      sequence.kv->cache().store(compute.vector, page, layer, h, position % kPageTokens, head,
                                 v.row(token).data() + h * head_dim);
    }
  };
  const std::size_t together = std::clamp<std::size_t>(n_tokens / (4 * compute.team.size()), 1, 32);
  compute.team.for_each((n_tokens + together - 1) / together, [&](std::size_t task, std::size_t) {
    for (std::size_t t = task * together; t < std::min(n_tokens, (task + 1) * together); ++t) prepare(t);
  });
}

void attend(const Compute& compute, const SelfAttention& self, const BatchSequence& sequence,
            std::size_t layer, const Task& task, MatrixView<float> q, MatrixView<float> out) {
  const AttentionConfig& config = self.config;
  const std::size_t group = config.queries_per_kv();
  const KvCache& cache = sequence.kv->cache();
  const KvHeadView kv{sequence.kv->pages().data(), cache.head_offset(layer, task.kv_head), config.head_dim,
                      cache.dtype()};
  const float* queries[kMaxTaskQueries];
  float* outputs[kMaxTaskQueries];
  std::uint32_t first[kMaxTaskQueries], last[kMaxTaskQueries];
  float sinks[kMaxTaskQueries];
  std::size_t n = 0;
  for (std::size_t i = task.begin; i < task.end; ++i) {
    const std::size_t position = sequence.kv->length() + i;
    const std::size_t seen_to = config.is_causal ? position : sequence.kv->length() + sequence.n_tokens - 1;
    const std::size_t seen_from =
        config.window == 0 || position < config.window ? 0 : position + 1 - config.window;
    for (std::size_t g = 0; g < group; ++g, ++n) {
      const std::size_t head = task.kv_head * group + g;
      queries[n] = q.row(sequence.first_token + i).data() + head * config.head_dim;
      outputs[n] = out.row(sequence.first_token + i).data() + head * config.head_dim;
      first[n] = static_cast<std::uint32_t>(seen_from);
      last[n] = static_cast<std::uint32_t>(seen_to);
      if (!self.sinks.empty()) sinks[n] = self.sinks[head];
    }
  }
  compute.vector.attend(kv, AttentionQueries{.n = n,
                                             .q = queries,
                                             .out = outputs,
                                             .first = first,
                                             .last = last,
                                             .softcap = config.softcap,
                                             .sinks = self.sinks.empty() ? nullptr : sinks});
}

}  // namespace

std::span<const std::uint32_t> batch_positions(Compute& compute, const ForwardBatch& batch) {
  const auto positions = compute.scratch.take<std::uint32_t>(batch.tokens.size());
  for (const BatchSequence& sequence : batch.sequences)
    for (std::size_t i = 0; i < sequence.n_tokens; ++i)
      positions[sequence.first_token + i] = static_cast<std::uint32_t>(sequence.kv->length() + i);
  return positions;
}

void SelfAttention::forward(Compute& compute, const ForwardBatch& batch, std::size_t layer,
                            std::span<const Rotation> rotations, MatrixView<const float> x,
                            MatrixView<float> out) const {
  const Scratch::Scope scope(compute.scratch);
  const std::size_t n_tokens = batch.tokens.size(), group = config.queries_per_kv();
  QN_CHECK(group >= 1 && group <= kMaxTaskQueries);
  const auto queries = compute.scratch.take_matrix(n_tokens, config.n_heads * config.head_dim);
  const auto keys = compute.scratch.take_matrix(n_tokens, config.n_kv_heads * config.head_dim);
  const auto values = compute.scratch.take_matrix(n_tokens, config.n_kv_heads * config.head_dim);
  const LinearPart parts[] = {q.into(queries), k.into(keys), v.into(values)};
  linear(compute, x, parts);
  prepare_heads(compute, *this, batch, layer, rope ? &rotations[*rope] : nullptr, queries, keys, values);

  const std::size_t tokens_per_task = std::max<std::size_t>(1, kTaskQueries / group);
  std::size_t n_tasks = 0;
  for (const BatchSequence& sequence : batch.sequences)
    n_tasks += (sequence.n_tokens + tokens_per_task - 1) / tokens_per_task * config.n_kv_heads;
  const auto tasks = compute.scratch.take<Task>(n_tasks);
  std::size_t n = 0;
  for (std::size_t s = 0; s < batch.sequences.size(); ++s) {
    const std::size_t n_of_sequence = batch.sequences[s].n_tokens;
    // The last tokens see the most: they come first, so that threads end together.
    for (std::size_t end = n_of_sequence; end > 0; end -= std::min(end, tokens_per_task))
      for (std::size_t head = 0; head < config.n_kv_heads; ++head)
        tasks[n++] = Task{s, head, end - std::min(end, tokens_per_task), end};
  }
  const auto attended = compute.scratch.take_matrix(n_tokens, config.n_heads * config.head_dim);
  compute.team.for_each(n_tasks, [&](std::size_t i, std::size_t) {
    attend(compute, *this, batch.sequences[tasks[i].sequence], layer, tasks[i], queries, attended);
  });
  linear(compute, attended, o.into(out));
}

}  // namespace quintet

#include "inference/embedder.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

struct Embedder::Text {
  std::vector<TokenId> tokens;
  bool is_truncated = false;
};

void pool(Pooling pooling, MatrixView<const float> hidden, std::span<float> out) {
  QN_CHECK(hidden.rows > 0 && hidden.cols == out.size());
  switch (pooling) {
    case Pooling::first: std::ranges::copy(hidden.row(0), out.begin()); return;
    case Pooling::last: std::ranges::copy(hidden.row(hidden.rows - 1), out.begin()); return;
    case Pooling::mean: break;
  }
  // In double, so that the mean of thousands of tokens is as exact as that of a few.
  std::vector<double> sums(out.size());
  for (std::size_t t = 0; t < hidden.rows; ++t)
    for (std::size_t d = 0; d < out.size(); ++d) sums[d] += static_cast<double>(hidden.row(t)[d]);
  for (std::size_t d = 0; d < out.size(); ++d)
    out[d] = static_cast<float>(sums[d] / static_cast<double>(hidden.rows));
}

void normalise(std::span<float> vector) {
  double squares = 0.0;
  for (const float x : vector) squares += static_cast<double>(x) * x;
  if (!(squares > 0.0)) return;
  const double factor = 1.0 / std::sqrt(squares);
  for (float& x : vector) x = static_cast<float>(x * factor);
}

Embedder::Embedder(const Encoder& encoder, const Tokenizer& tokenizer, Compute& compute,
                   EmbedderOptions options)
    : encoder_(encoder),
      tokenizer_(tokenizer),
      compute_(compute),
      options_(std::move(options)),
      pooling_(options_.pooling.value_or(encoder.pooling())),
      max_tokens_(encoder.info().max_seq_len) {
  if (options_.max_tokens > 0 && (max_tokens_ == 0 || options_.max_tokens < max_tokens_))
    max_tokens_ = options_.max_tokens;
  if (tokenizer.vocab_size() > encoder.info().vocab_size) {
    throw InvalidArgument(cat("the tokenizer has ", tokenizer.vocab_size(), " tokens, ", encoder.info().name,
                              " knows ", encoder.info().vocab_size));
  }
}

Embedder::Text Embedder::tokenize(const std::string& text) const {
  Text result;
  result.tokens = tokenizer_.encode(options_.prefix.empty() ? text : options_.prefix + text);
  if (max_tokens_ == 0 || result.tokens.size() <= max_tokens_) return result;
  // What ends a text ([SEP], or an end token whose vector is the text's) ends the shortened one too.
  const TokenId last = result.tokens.back();
  result.tokens.resize(max_tokens_);
  if (tokenizer_.is_special(last)) result.tokens.back() = last;
  result.is_truncated = true;
  return result;
}

std::vector<Embedding> Embedder::embed(std::span<const std::string> texts) {
  std::vector<Embedding> results(texts.size());
  std::vector<Text> waiting;
  std::size_t first = 0, n_tokens = 0;
  const auto flush = [&](std::size_t end) {
    run(waiting, std::span(results).subspan(first, end - first));
    waiting.clear();
    first = end;
    n_tokens = 0;
  };
  for (std::size_t i = 0; i < texts.size(); ++i) {
    Text text = tokenize(texts[i]);
    if (!waiting.empty() && n_tokens + text.tokens.size() > options_.batch_tokens) flush(i);
    n_tokens += text.tokens.size();
    waiting.push_back(std::move(text));
  }
  if (!waiting.empty()) flush(texts.size());
  return results;
}

void Embedder::run(std::span<const Text> texts, std::span<Embedding> out) {
  const std::size_t dim = encoder_.info().dim;
  std::size_t room = 0;
  for (const Text& text : texts)
    room += (text.tokens.size() + kernels::kPageTokens - 1) / kernels::kPageTokens * kernels::kPageTokens;
  KvCache cache(encoder_.info().kv, options_.kv_dtype, std::max<std::size_t>(room, 1));
  std::deque<KvSequence> kv;
  std::vector<std::uint32_t> tokens;
  std::vector<BatchSequence> sequences;
  for (const Text& text : texts) {
    if (text.tokens.empty()) continue;
    KvSequence& sequence = kv.emplace_back(cache);
    sequence.reserve(text.tokens.size());
    sequences.push_back({&sequence, tokens.size(), text.tokens.size()});
    tokens.insert(tokens.end(), text.tokens.begin(), text.tokens.end());
  }
  const Scratch::Scope scope(compute_.scratch);
  const auto hidden = compute_.scratch.take_matrix(tokens.size(), dim);
  if (!tokens.empty()) encoder_.forward(compute_, {tokens, sequences, {}}, hidden);
  std::size_t row = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    out[i].vector.resize(dim);
    out[i].n_tokens = texts[i].tokens.size();
    out[i].is_truncated = texts[i].is_truncated;
    if (texts[i].tokens.empty()) continue;
    pool(pooling_, hidden.rows_from(row, texts[i].tokens.size()), out[i].vector);
    row += texts[i].tokens.size();
    if (options_.normalises) normalise(out[i].vector);
  }
}

}  // namespace quintet

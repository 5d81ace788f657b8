// Time to train and to ask, on generated knowledge bases. Words follow Zipf's law, as they do in real text,
// so that some inverted lists are long.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "apps/faq/matcher.h"

namespace quintet::faq {
namespace {

class Text {
 public:
  explicit Text(std::uint64_t seed) : state_(seed) {}

  /// `n` words of a vocabulary of 20,000, the r-th most frequent with probability near 1 / r.
  std::string words(std::size_t n) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i) {
      const double rank = std::exp(uniform() * std::log(20'000.0));
      if (i > 0) out += ' ';
      out += word(static_cast<std::uint64_t>(rank));
    }
    return out;
  }

  /// Some words of `text` in another order, one of them replaced, one misspelt.
  std::string paraphrase(const std::string& text) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find(' ', begin), text.size());
      parts.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    for (std::size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[next() % i]);
    parts.front() = words(1);
    if (parts.back().size() > 4) parts.back().erase(2, 1);
    std::string out;
    for (const std::string& part : parts) out += (out.empty() ? "" : " ") + part;
    return out;
  }

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E37'79B9'7F4A'7C15);
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
    return z ^ (z >> 31);
  }

 private:
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  static std::string word(std::uint64_t rank) {
    static constexpr const char* kSyllables[] = {"ba", "ne",  "ti",  "ro",  "lu",   "ka",  "mi",
                                                 "so", "ver", "den", "pla", "ston", "gri", "fa",
                                                 "ho", "jen", "qui", "wa",  "ze",   "cor"};
    std::string out;
    for (std::uint64_t r = rank * 7 + 3; r > 0; r /= 20) out += kSyllables[r % 20];
    return out;
  }
  std::uint64_t state_;
};

std::vector<FaqEntry> knowledge_base(std::size_t n_entries, std::size_t n_alternatives) {
  Text text(1);
  std::vector<FaqEntry> entries(n_entries);
  for (std::size_t e = 0; e < n_entries; ++e) {
    entries[e].id = std::to_string(e);
    entries[e].question = text.words(12);
    entries[e].answer = text.words(40);
    for (std::size_t a = 0; a < n_alternatives; ++a) {
      entries[e].alternatives.push_back(text.paraphrase(entries[e].question));
    }
  }
  return entries;
}

void train(benchmark::State& state) {
  const auto entries =
      knowledge_base(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)));
  for (auto _ : state) benchmark::DoNotOptimize(Matcher::train(entries));
}
BENCHMARK(train)
    ->Args({20, 0})
    ->Args({77, 10})
    ->Args({1'000, 2})
    ->Args({10'000, 0})
    ->Args({10'000, 2})
    ->Unit(benchmark::kMillisecond);

void match(benchmark::State& state) {
  const auto entries =
      knowledge_base(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)));
  const auto matcher = Matcher::train(entries);
  Text text(2);
  std::vector<std::string> questions;
  for (int i = 0; i < 2'000; ++i)
    questions.push_back(text.paraphrase(entries[text.next() % entries.size()].question));
  std::size_t n_right = 0, i = 0;
  std::vector<double> micros;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    MatchResult result = matcher->match(questions[i++ % questions.size()]);
    const auto end = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(result);
    micros.push_back(std::chrono::duration<double, std::micro>(end - begin).count());
    n_right += result.answerable ? 1 : 0;
  }
  std::sort(micros.begin(), micros.end());
  const auto at = [&](double q) {
    return micros[static_cast<std::size_t>(q * static_cast<double>(micros.size() - 1))];
  };
  state.counters["p50_us"] = at(0.5);
  state.counters["p99_us"] = at(0.99);
  state.counters["answered"] = static_cast<double>(n_right) / static_cast<double>(micros.size());
}
BENCHMARK(match)
    ->Args({20, 0})
    ->Args({77, 10})
    ->Args({1'000, 2})
    ->Args({10'000, 0})
    ->Args({10'000, 2})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace quintet::faq

BENCHMARK_MAIN();

// How long keyword search takes over 30,000 chunks (about 10,000 pages) in a real database file, and how much
// of the exact ranking survives its budgets. The chunks are made of pieces of real text, so that words follow
// their real frequencies; where the text is absent, of words drawn from Zipf's law.
//
//   keyword_latency_bench [n_chunks] [n_queries]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "collections.h"
#include "core/log.h"
#include "retrieval/keyword_index.h"
#include "storage/database.h"
#include "testing/scratch_folder.h"

namespace quintet::retrieval {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

std::vector<std::string> words_of_wikitext() {
  std::vector<std::string> words;
  for (const char* name : {"text/wikitext-2/test.txt", "text/wikitext-2/valid.txt"}) {
    const auto path = test_data(name);
    if (path.empty()) continue;
    const std::string text = replace_all(read_file(path), "\n", " ");
    for (const std::string_view word : split(text, ' '))
      if (!word.empty() && word != "<unk>") words.emplace_back(word);
  }
  return words;
}

std::vector<std::string> zipf_words(std::mt19937_64& random) {
  std::vector<std::string> words;
  std::uniform_real_distribution<double> uniform;
  for (std::size_t i = 0; i < 400'000; ++i)
    words.push_back(cat("w", static_cast<std::uint64_t>(std::exp(uniform(random) * std::log(40'000.0)))));
  return words;
}

class Source {
 public:
  explicit Source(std::vector<std::string> words) : words_(std::move(words)) {}
  /// `n_words` in runs of `run` words from random places.
  std::string text(std::size_t n_words, std::size_t run, std::mt19937_64& random) const {
    std::string out;
    for (std::size_t n = 0; n < n_words; n += run) {
      const std::size_t begin = random() % (words_.size() - run);
      for (std::size_t i = 0; i < std::min(run, n_words - n); ++i) out += words_[begin + i] + " ";
    }
    return out;
  }

 private:
  std::vector<std::string> words_;
};

void report(const char* name, std::vector<double> times, double n_postings) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
  };
  std::printf("%-46s p50 %6.2f ms  p90 %6.2f ms  p99 %6.2f ms  max %6.2f ms  %8.0f postings\n", name, at(0.5),
              at(0.9), at(0.99), at(1.0), n_postings / static_cast<double>(times.size()));
}

int run(std::size_t n_chunks, std::size_t n_queries) {
  std::mt19937_64 random(1);
  auto words = words_of_wikitext();
  std::printf("%zu chunks of 180 words from %s\n", n_chunks, words.empty() ? "Zipf's law" : "wikitext-2");
  if (words.empty()) words = zipf_words(random);
  const Source source(std::move(words));

  const ScratchFolder folder;
  Database database({.path = folder.path() / "keywords.sqlite"}, keyword_migrations(), null_log());
  const auto begin = Clock::now();
  constexpr std::size_t kBatch = 64;
  for (std::size_t first = 0; first < n_chunks; first += kBatch) {
    std::vector<std::string> texts;
    std::vector<KeywordChunk> chunks;
    for (std::size_t i = first; i < std::min(n_chunks, first + kBatch); ++i)
      texts.push_back(source.text(180, 30, random));
    for (std::size_t i = 0; i < texts.size(); ++i)
      chunks.push_back({.id = static_cast<std::int64_t>(first + i + 1),
                        .collection = static_cast<std::int64_t>((first + i) % 5),
                        .document = static_cast<std::int64_t>((first + i) / 90),
                        .text = texts[i],
                        .headings = ""});
    database.write([&](Connection& connection) { put_keyword_chunks(connection, chunks); });
  }
  const double ingest = milliseconds_since(begin);
  std::printf("indexed in %.2f s (%.0f chunks/s), %.1f MB on disk\n\n", ingest / 1e3,
              static_cast<double>(n_chunks) / ingest * 1e3,
              static_cast<double>(std::filesystem::file_size(folder.path() / "keywords.sqlite")) / 1e6);

  struct Case {
    const char* name;
    std::size_t n_words;
    KeywordFilter filter;
    KeywordOptions options;
  };
  const std::vector<Case> cases = {
      {"3 words", 3, {}, {}},
      {"8 words (a question)", 8, {}, {}},
      {"20 words", 20, {}, {}},
      {"80 words (a pasted passage)", 80, {}, {}},
      {"8 words, one of five collections", 8, {.collections = {3}, .documents = {}, .excluded = {}}, {}},
      {"8 words, one document of 334", 8, {.collections = {}, .documents = {17}, .excluded = {}}, {}},
      {"8 words, top 100", 8, {}, {.top_k = 100}},
      {"8 words, expanded by feedback", 8, {}, {.expand = true}},
      {"8 words, every posting", 8, {}, {.max_postings = 1'000'000'000}},
  };
  for (const Case& test : cases) {
    std::vector<double> times;
    double n_postings = 0;
    for (std::size_t q = 0; q < n_queries; ++q) {
      const std::string question = source.text(test.n_words, test.n_words, random);
      const auto start = Clock::now();
      KeywordResult result;
      database.read([&](Connection& connection) {
        result = search_keywords(connection, question, test.filter, test.options);
      });
      times.push_back(milliseconds_since(start));
      n_postings += static_cast<double>(result.n_postings);
    }
    report(test.name, times, n_postings);
  }

  std::vector<double> times;
  for (std::size_t q = 0; q < n_queries; ++q) {
    std::string question = source.text(8, 8, random);
    question += " internatoinal";
    const auto start = Clock::now();
    database.read([&](Connection& connection) { search_keywords(connection, question); });
    times.push_back(milliseconds_since(start));
  }
  report("8 words and a misspelt one", times, 0);

  times.clear();
  for (std::size_t q = 0; q < std::min<std::size_t>(n_queries, 200); ++q) {
    const std::string text = source.text(180, 30, random);
    const KeywordChunk chunk{.id = static_cast<std::int64_t>(random() % n_chunks + 1),
                             .collection = 1,
                             .document = 1,
                             .text = text,
                             .headings = ""};
    const auto start = Clock::now();
    database.write([&](Connection& connection) { put_keyword_chunks(connection, {&chunk, 1}); });
    times.push_back(milliseconds_since(start));
  }
  report("replace one chunk, committed", times, 0);

  // What the budgets cost: the share of the first ten of an exact search that the default search has too.
  double kept = 0;
  for (std::size_t q = 0; q < 200; ++q) {
    const std::string question = source.text(8, 8, random);
    KeywordResult exact;
    KeywordResult fast;
    database.read([&](Connection& connection) {
      exact = search_keywords(connection, question, {},
                              {.top_k = 10, .max_postings = 1'000'000'000, .min_candidates = 1'000'000'000});
      fast = search_keywords(connection, question, {}, {.top_k = 10});
    });
    std::size_t n_same = 0;
    for (const KeywordHit& a : exact.hits)
      n_same += static_cast<std::size_t>(std::count_if(
          fast.hits.begin(), fast.hits.end(), [&](const KeywordHit& b) { return a.chunk == b.chunk; }));
    kept += exact.hits.empty() ? 1.0 : static_cast<double>(n_same) / static_cast<double>(exact.hits.size());
  }
  std::printf("\nfirst ten of an exact search kept: %.2f %%\n", kept / 200 * 100);
  return 0;
}

}  // namespace
}  // namespace quintet::retrieval

int main(int argc, char** argv) {
  const auto number = [&](int index, std::size_t otherwise) {
    return argc > index ? static_cast<std::size_t>(std::strtoull(argv[index], nullptr, 10)) : otherwise;
  };
  return quintet::retrieval::run(number(1, 30'000), number(2, 1'000));
}

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "storage/connection.h"
#include "storage/migrations.h"

namespace quintet::retrieval {

/// Keyword search over chunks that live in the product's database: BM25 over stems, with SQLite's FTS5 as the
/// inverted index. All functions run inside one Database::read or write, so an index and the rows it belongs
/// to are changed together or not at all.
///
/// What is stored, under the chunk's own number: its words (a dictionary of words and stems gives each a
/// number), and in FTS5 the numbers of its stems, a stem that occurs twice or four times with a mark for
/// that. A search reads the lists of its stems, adds up what they promise, and scores the best few hundred
/// chunks exactly from their words. (FTS5's own bm25() over an OR of the terms was measured at 1 µs per
/// posting, this at 0.08 µs; it also has its k1, b and idf fixed.)
std::span<const Migration> keyword_migrations();

/// A chunk to be found. Numbers are the caller's; `id` is unique over all collections.
struct KeywordChunk {
  std::int64_t id = 0;
  std::int64_t collection = 0;
  std::int64_t document = 0;
  std::string_view text;
  std::string_view
      headings;  // the headings it stands under, joined; counted as KeywordOptions::heading_weight says
};

/// Adds chunks; one whose id is there already is replaced. Many at once are cheaper than one by one.
void put_keyword_chunks(Connection& connection, std::span<const KeywordChunk> chunks);

/// Removes chunks; ids that are not there are passed over.
void remove_keyword_chunks(Connection& connection, std::span<const std::int64_t> ids);

/// Removes what belongs to a document, and returns how many chunks that were.
std::size_t remove_keyword_document(Connection& connection, std::int64_t document);

/// Moves what belongs to a document into another collection: a document whose chunks were kept where nobody
/// looks is shown by a step that costs next to nothing.
void move_keyword_document(Connection& connection, std::int64_t document, std::int64_t collection);

/// Which chunks may be found. Empty lists mean no restriction.
struct KeywordFilter {
  std::vector<std::int64_t> collections;
  std::vector<std::int64_t> documents;
  std::unordered_set<std::int64_t> excluded;  // chunks
};

struct KeywordOptions {
  std::size_t top_k = 20;
  /// BM25. b is below the usual 0.75: it was chosen on Cranfield and Vaswani together.
  float k1 = 1.2f;
  float b = 0.6f;
  float heading_weight = 1.0f;        // a word in a heading counts as that many in the text
  float exact_weight = 0.1f;          // bonus on a stem that stands there as the word that was asked for
  std::size_t max_postings = 60'000;  // lists are read from the rarest stem on; the rest only scores
  std::size_t min_candidates = 300;   // chunks scored exactly; at least twice top_k
  /// Pseudo-relevance feedback: the best chunks' own words join the question (G. Amati's Bo1, 2003, with
  /// document frequencies). Finds more, and drifts more: for exploring, not for looking up a fact.
  bool expand = false;
  std::size_t n_feedback_chunks = 3;
  std::size_t n_feedback_terms = 40;
  float feedback_weight = 0.25f;
  bool repair =
      true;  // a word the index does not know stands for words near it: one slip away, or containing it
};

/// What became of one word of the question.
struct KeywordQueryTerm {
  std::string word;                     // folded
  std::vector<std::string> stands_for;  // words of the index taken in its place, where it is unknown
  std::int64_t n_chunks = 0;            // that have it
  float weight = 0;                     // idf times how often it was asked; 0 = left out as a function word
  bool is_feedback = false;
};

struct KeywordHit {
  std::int64_t chunk = 0;
  std::int64_t collection = 0;
  std::int64_t document = 0;
  float score = 0;
  std::vector<std::string> matched;  // words of the chunk that the question asked for, each once
};

struct KeywordResult {
  std::vector<KeywordHit> hits;  // best first; equal scores by chunk
  std::vector<KeywordQueryTerm> terms;
  std::size_t n_postings = 0;
};

/// The best chunks for a question in words. Never throws for what the question contains; function words count
/// only where there is nothing else.
KeywordResult search_keywords(Connection& connection, std::string_view question,
                              const KeywordFilter& filter = {}, const KeywordOptions& options = {});

struct KeywordStats {
  std::int64_t n_chunks = 0;
  std::int64_t n_terms = 0;  // words that are no function words, over all chunks
  /// Chunks that have each of the given words' stems, for weighing words elsewhere.
  std::vector<std::int64_t> n_chunks_with;
};
KeywordStats keyword_stats(Connection& connection, std::span<const std::string> stems = {});

}  // namespace quintet::retrieval

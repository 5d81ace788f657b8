#include "retrieval/keyword_index.h"

#include <map>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "core/varint.h"
#include "retrieval/keyword_store.h"
#include "retrieval/keyword_terms.h"

namespace quintet::retrieval {

namespace {

// keyword_postings keeps no text and no positions: the words of a chunk are in keyword_text, from which what
// FTS5 needs to forget a chunk is made again. keyword_parts finds words by three characters of theirs; words
// are never forgotten, so nothing is ever deleted from it.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE keyword_stem (
  id       INTEGER PRIMARY KEY,
  stem     TEXT NOT NULL UNIQUE,
  n_chunks INTEGER NOT NULL
) STRICT;

CREATE TABLE keyword_word (
  id      INTEGER PRIMARY KEY,
  word    TEXT NOT NULL UNIQUE,
  stem_id INTEGER NOT NULL REFERENCES keyword_stem(id)
) STRICT;
CREATE INDEX keyword_word_by_stem ON keyword_word(stem_id);

CREATE TABLE keyword_chunk (
  id          INTEGER PRIMARY KEY,
  collection  INTEGER NOT NULL,
  document    INTEGER NOT NULL,
  n_terms     INTEGER NOT NULL
) STRICT;
CREATE INDEX keyword_chunk_by_collection ON keyword_chunk(collection);
CREATE INDEX keyword_chunk_by_document ON keyword_chunk(document);

CREATE TABLE keyword_text (
  chunk_id INTEGER PRIMARY KEY,
  words    BLOB NOT NULL
) STRICT;

CREATE TABLE keyword_total (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  n_chunks INTEGER NOT NULL,
  n_terms  INTEGER NOT NULL
) STRICT;
INSERT INTO keyword_total VALUES (1, 0, 0);

CREATE VIRTUAL TABLE keyword_postings USING fts5(
  stems, content = '', columnsize = 0, detail = none, tokenize = 'ascii'
);
CREATE VIRTUAL TABLE keyword_parts USING fts5(
  word, content = '', columnsize = 0, detail = none, tokenize = 'trigram'
);
)sql";

constexpr Migration kMigrations[] = {{"keyword", 1, kVersion1}};

[[noreturn]] void damaged() {
  throw CorruptData("keyword index: the words of a chunk are damaged; reindex the document");
}

struct Word {
  std::int64_t id = 0;
  std::int64_t stem = 0;
};

/// Changes that several chunks share are gathered and written once.
class IndexWriter {
 public:
  explicit IndexWriter(Connection& connection) : connection_(connection) {}

  void add(const KeywordChunk& chunk) {
    ChunkWords words;
    std::size_t n_terms = 0;
    std::map<std::int64_t, std::size_t> counts;
    const auto read = [&](std::string_view text, std::size_t weight, std::vector<std::int64_t>& ids) {
      for (const KeywordTerm& term : keyword_terms(text)) {
        const Word word = word_of(term);
        ids.push_back(word.id);
        counts[word.stem] += weight;
        if (!term.is_function) ++n_terms;
      }
    };
    read(chunk.headings, kHeadingOccurrences, words.headings);
    read(chunk.text, 1, words.body);

    connection_.execute("INSERT INTO keyword_chunk(id, collection, document, n_terms) VALUES (?, ?, ?, ?)",
                        chunk.id, chunk.collection, chunk.document, n_terms);
    Statement text = connection_.prepare("INSERT INTO keyword_text(chunk_id, words) VALUES (?, ?)");
    text.bind_int(1, chunk.id);
    text.bind_blob(2, encode_words(words));
    text.run();
    connection_.execute("INSERT INTO keyword_postings(rowid, stems) VALUES (?, ?)", chunk.id,
                        postings_text(counts));
    note(counts, +1, static_cast<std::int64_t>(n_terms));
  }

  /// False where there is no such chunk.
  bool remove(std::int64_t id) {
    Statement chunk = connection_.prepare(
        "SELECT c.n_terms, t.words FROM keyword_chunk c JOIN keyword_text t ON t.chunk_id = c.id WHERE c.id "
        "= ?");
    chunk.bind(id);
    if (!chunk.step()) return false;
    const std::int64_t n_terms = chunk.integer(0);
    ChunkWords words;
    decode_words(chunk.blob(1), words);
    chunk.reset();

    std::map<std::int64_t, std::size_t> counts;
    for (const std::int64_t word : words.headings) counts[stem_of(word)] += kHeadingOccurrences;
    for (const std::int64_t word : words.body) ++counts[stem_of(word)];
    connection_.execute(
        "INSERT INTO keyword_postings(keyword_postings, rowid, stems) VALUES ('delete', ?, ?)", id,
        postings_text(counts));
    connection_.execute("DELETE FROM keyword_text WHERE chunk_id = ?", id);
    connection_.execute("DELETE FROM keyword_chunk WHERE id = ?", id);
    note(counts, -1, -n_terms);
    return true;
  }

  void finish() {
    Statement update = connection_.prepare("UPDATE keyword_stem SET n_chunks = n_chunks + ? WHERE id = ?");
    for (const auto& [stem, change] : stem_changes_) {
      if (change == 0) continue;
      update.bind(change, stem);
      update.run();
    }
    connection_.execute("UPDATE keyword_total SET n_chunks = n_chunks + ?, n_terms = n_terms + ?",
                        n_chunks_change_, n_terms_change_);
  }

 private:
  static std::string postings_text(const std::map<std::int64_t, std::size_t>& counts) {
    std::string out;
    for (const auto& [stem, count] : counts) {
      out += posting_token(stem, TermLevel::once);
      out += ' ';
      if (count >= 2) out += posting_token(stem, TermLevel::twice) + ' ';
      if (count >= 4) out += posting_token(stem, TermLevel::four_times) + ' ';
    }
    return out;
  }

  void note(const std::map<std::int64_t, std::size_t>& counts, std::int64_t change, std::int64_t n_terms) {
    for (const auto& [stem, count] : counts) stem_changes_[stem] += change;
    n_chunks_change_ += change;
    n_terms_change_ += n_terms;
  }

  Word word_of(const KeywordTerm& term) {
    if (const auto found = words_.find(term.word); found != words_.end()) return found->second;
    Word word;
    Statement find = connection_.prepare("SELECT id, stem_id FROM keyword_word WHERE word = ?");
    find.bind(term.word);
    if (find.step()) {
      word = {find.integer(0), find.integer(1)};
    } else {
      word.stem = stem_id(term.stem);
      connection_.execute("INSERT INTO keyword_word(word, stem_id) VALUES (?, ?)", term.word, word.stem);
      word.id = connection_.last_insert_rowid();
      connection_.execute("INSERT INTO keyword_parts(rowid, word) VALUES (?, ?)", word.id, term.word);
    }
    words_.emplace(term.word, word);
    return word;
  }

  std::int64_t stem_id(const std::string& stem) {
    Statement find = connection_.prepare("SELECT id FROM keyword_stem WHERE stem = ?");
    find.bind(stem);
    if (find.step()) return find.integer(0);
    connection_.execute("INSERT INTO keyword_stem(stem, n_chunks) VALUES (?, 0)", stem);
    return connection_.last_insert_rowid();
  }

  std::int64_t stem_of(std::int64_t word) {
    const auto [found, is_new] = stems_.try_emplace(word, 0);
    if (is_new) {
      Statement find = connection_.prepare("SELECT stem_id FROM keyword_word WHERE id = ?");
      find.bind(word);
      if (!find.step())
        throw CorruptData(
            cat("keyword index: a chunk has word ", word, ", which the dictionary lacks; reindex"));
      found->second = find.integer(0);
    }
    return found->second;
  }

  Connection& connection_;
  std::unordered_map<std::string, Word> words_;
  std::unordered_map<std::int64_t, std::int64_t> stems_;  // by word
  std::unordered_map<std::int64_t, std::int64_t> stem_changes_;
  std::int64_t n_chunks_change_ = 0;
  std::int64_t n_terms_change_ = 0;
};

}  // namespace

std::span<const Migration> keyword_migrations() {
  return kMigrations;
}

std::string encode_words(const ChunkWords& words) {
  std::string out;
  append_varint(out, words.headings.size());
  for (const std::int64_t word : words.headings) append_varint(out, static_cast<std::uint64_t>(word));
  for (const std::int64_t word : words.body) append_varint(out, static_cast<std::uint64_t>(word));
  return out;
}

void decode_words(std::string_view bytes, ChunkWords& words) {
  words.headings.clear();
  words.body.clear();
  std::size_t at = 0;
  const auto n_headings = take_varint(bytes, at);
  if (!n_headings) damaged();
  while (at < bytes.size()) {
    const auto word = take_varint(bytes, at);
    if (!word) damaged();
    auto& list = words.headings.size() < *n_headings ? words.headings : words.body;
    list.push_back(static_cast<std::int64_t>(*word));
  }
  if (words.headings.size() < *n_headings) damaged();
}

std::string posting_token(std::int64_t stem, TermLevel level) {
  std::string token = std::to_string(stem);
  if (level == TermLevel::twice) token += 'a';
  if (level == TermLevel::four_times) token += 'b';
  return token;
}

void put_keyword_chunks(Connection& connection, std::span<const KeywordChunk> chunks) {
  IndexWriter writer(connection);
  for (const KeywordChunk& chunk : chunks) {
    writer.remove(chunk.id);
    writer.add(chunk);
  }
  writer.finish();
}

void remove_keyword_chunks(Connection& connection, std::span<const std::int64_t> ids) {
  IndexWriter writer(connection);
  for (const std::int64_t id : ids) writer.remove(id);
  writer.finish();
}

void move_keyword_document(Connection& connection, std::int64_t document, std::int64_t collection) {
  connection.execute("UPDATE keyword_chunk SET collection = ? WHERE document = ?", collection, document);
}

std::size_t remove_keyword_document(Connection& connection, std::int64_t document) {
  std::vector<std::int64_t> ids;
  Statement find = connection.prepare("SELECT id FROM keyword_chunk WHERE document = ?");
  find.bind(document);
  while (find.step()) ids.push_back(find.integer(0));
  remove_keyword_chunks(connection, ids);
  return ids.size();
}

KeywordStats keyword_stats(Connection& connection, std::span<const std::string> stems) {
  KeywordStats stats;
  Statement total = connection.prepare("SELECT n_chunks, n_terms FROM keyword_total");
  if (total.step()) {
    stats.n_chunks = total.integer(0);
    stats.n_terms = total.integer(1);
  }
  Statement find = connection.prepare("SELECT n_chunks FROM keyword_stem WHERE stem = ?");
  for (const std::string& stem : stems) {
    find.bind(stem);
    stats.n_chunks_with.push_back(find.step() ? find.integer(0) : 0);
    find.reset();
  }
  return stats;
}

}  // namespace quintet::retrieval

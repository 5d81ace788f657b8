#include "retrieval/keyword_index.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "retrieval/keyword_stem.h"
#include "retrieval/keyword_store.h"
#include "retrieval/keyword_terms.h"
#include "storage/database.h"
#include "testing/scratch_folder.h"

namespace quintet::retrieval {
namespace {

using Ids = std::vector<std::int64_t>;

class KeywordIndex : public ::testing::Test {
 protected:
  void put(std::int64_t id, std::string_view text, std::string_view headings = "",
           std::int64_t collection = 1, std::int64_t document = 1) {
    const KeywordChunk chunk{
        .id = id, .collection = collection, .document = document, .text = text, .headings = headings};
    database_.write([&](Connection& connection) { put_keyword_chunks(connection, {&chunk, 1}); });
  }
  void remove(const Ids& ids) {
    database_.write([&](Connection& connection) { remove_keyword_chunks(connection, ids); });
  }
  KeywordResult search(std::string_view question, const KeywordFilter& filter = {},
                       const KeywordOptions& options = {}) {
    KeywordResult result;
    database_.read(
        [&](Connection& connection) { result = search_keywords(connection, question, filter, options); });
    return result;
  }
  Ids find(std::string_view question, const KeywordFilter& filter = {}, const KeywordOptions& options = {}) {
    Ids ids;
    for (const KeywordHit& hit : search(question, filter, options).hits) ids.push_back(hit.chunk);
    return ids;
  }
  KeywordStats stats(const std::vector<std::string>& stems = {}) {
    KeywordStats out;
    database_.read([&](Connection& connection) { out = keyword_stats(connection, stems); });
    return out;
  }

  ScratchFolder folder_;
  Database database_{{.path = folder_ / "test.sqlite"}, keyword_migrations(), null_log()};
};

TEST_F(KeywordIndex, AnEmptyIndexFindsNothing) {
  EXPECT_TRUE(find("anything").empty());
  EXPECT_EQ(stats().n_chunks, 0);
}

TEST_F(KeywordIndex, FindsWordsByTheirStemsInAnyCase) {
  put(1, "The engines were tested in cold weather.");
  put(2, "Nothing about it here.");
  EXPECT_EQ(find("TESTING an engine"), (Ids{1}));
  const auto result = search("testing engine");
  ASSERT_EQ(result.hits.size(), 1u);
  EXPECT_EQ(result.hits[0].matched, (std::vector<std::string>{"engines", "tested"}));
  EXPECT_EQ(result.hits[0].collection, 1);
}

TEST_F(KeywordIndex, RareWordsCountMoreThanCommonOnes) {
  for (std::int64_t id = 1; id <= 20; ++id) put(id, "engine report number " + std::to_string(id));
  put(21, "a report on turbopumps");
  EXPECT_EQ(find("engine turbopump").front(), 21);
}

TEST_F(KeywordIndex, RepeatedWordsSaturateAndLongTextsAreHeldBack) {
  put(1, "engine engine engine");
  put(2, "engine and nothing else at all");
  std::string padded = "engine";
  for (int i = 0; i < 200; ++i) padded += " filler" + std::to_string(i);
  put(3, padded);
  EXPECT_EQ(find("engine"), (Ids{1, 2, 3}));
}

TEST_F(KeywordIndex, HeadingsAreSearchedToo) {
  put(1, "It is done with a wrench.", "Maintenance › Replacing the turbopump");
  put(2, "It is done with a hammer.", "Maintenance");
  EXPECT_EQ(find("turbopump"), (Ids{1}));
  EXPECT_EQ(find("maintenance"), (Ids{2, 1}));
}

TEST_F(KeywordIndex, TheExactWordComesBeforeItsRelatives) {
  put(1, "a general statement about generalisation");
  put(2, "a general statement about the generals");
  EXPECT_EQ(find("generals").front(), 2);
}

TEST_F(KeywordIndex, AChunkIsReplacedUnderItsNumber) {
  put(1, "all about engines engines");
  put(2, "something else");
  put(1, "now about gardens");
  EXPECT_TRUE(find("engines", {}, {.repair = false}).empty());
  EXPECT_EQ(find("gardens"), (Ids{1}));
  EXPECT_EQ(stats().n_chunks, 2);
  EXPECT_EQ(
      stats({keyword_terms("engines").front().stem, keyword_terms("gardens").front().stem}).n_chunks_with,
      (Ids{0, 1}));
}

TEST_F(KeywordIndex, RemovedChunksAreGone) {
  put(1, "engines", "", 1, 7);
  put(2, "engines", "", 1, 8);
  put(3, "engines", "", 1, 8);
  remove({1, 99});
  EXPECT_EQ(find("engines"), (Ids{2, 3}));
  std::size_t n_removed = 0;
  database_.write([&](Connection& connection) { n_removed = remove_keyword_document(connection, 8); });
  EXPECT_EQ(n_removed, 2u);
  EXPECT_TRUE(find("engines").empty());
  EXPECT_EQ(stats().n_chunks, 0);
  EXPECT_EQ(stats().n_terms, 0);
}

TEST_F(KeywordIndex, FiltersByCollectionDocumentAndChunk) {
  put(1, "engines", "", 1, 10);
  put(2, "engines", "", 1, 11);
  put(3, "engines", "", 2, 12);
  EXPECT_EQ(find("engines", {.collections = {1}, .documents = {}, .excluded = {}}), (Ids{1, 2}));
  EXPECT_EQ(find("engines", {.collections = {}, .documents = {11, 12}, .excluded = {}}), (Ids{2, 3}));
  EXPECT_EQ(find("engines", {.collections = {2}, .documents = {11, 12}, .excluded = {}}), (Ids{3}));
  EXPECT_EQ(find("engines", {.collections = {}, .documents = {}, .excluded = {1, 3}}), (Ids{2}));
  EXPECT_TRUE(find("engines", {.collections = {9}, .documents = {}, .excluded = {}}).empty());
}

TEST_F(KeywordIndex, AWideFilterReachesBehindTheFirstCandidates) {
  // More chunks than are read at once when a filter is narrow, the better ones outside it.
  std::vector<std::string> texts;
  std::vector<KeywordChunk> chunks;
  for (std::int64_t id = 0; id < 20'000; ++id)
    texts.push_back(id % 2 == 0 ? "engine engine" : "engine and more words here");
  for (std::int64_t id = 0; id < 20'000; ++id)
    chunks.push_back({.id = id + 1,
                      .collection = id % 2,
                      .document = 1,
                      .text = texts[static_cast<std::size_t>(id)],
                      .headings = ""});
  database_.write([&](Connection& connection) { put_keyword_chunks(connection, chunks); });
  const auto result = search("engine", {.collections = {1}, .documents = {}, .excluded = {}}, {.top_k = 5});
  ASSERT_EQ(result.hits.size(), 5u);
  for (const KeywordHit& hit : result.hits) EXPECT_EQ(hit.collection, 1);
}

TEST_F(KeywordIndex, FunctionWordsCountOnlyWhereThereIsNothingElse) {
  put(1, "The Who played in London.");
  put(2, "London is large.");
  EXPECT_EQ(find("the who in London").size(), 2u);
  EXPECT_EQ(find("who"), (Ids{1}));
  const auto terms = search("the London").terms;
  ASSERT_EQ(terms.size(), 2u);
  EXPECT_EQ(terms[0].weight, 0.0f);
  EXPECT_EQ(terms[1].n_chunks, 2);
}

TEST_F(KeywordIndex, ScriptsWithoutSpacesAreFoundByPairsAndSingleCharacters) {
  put(1, "月球是地球的卫星");
  put(2, "太阳是恒星");
  EXPECT_EQ(find("月球"), (Ids{1}));
  EXPECT_EQ(find("恒星是什么"), (Ids{2}));
  EXPECT_EQ(find("阳"), (Ids{2}));
  EXPECT_EQ(find("太"), (Ids{2}));
}

TEST_F(KeywordIndex, OtherScriptsAreFoundByStemsAndWithoutAccents) {
  put(1, "Карты города лежат в ящике");
  put(2, "Ein Café in Köln");
  put(3, "عاصمة فرنسا هي باريس");
  EXPECT_EQ(find("карту"), (Ids{1}));
  EXPECT_EQ(find("cafe KOLN"), (Ids{2}));
  EXPECT_EQ(find("باريس"), (Ids{3}));
}

TEST_F(KeywordIndex, AMisspeltWordFindsWhatWasMeant) {
  put(1, "configuration of the server");
  put(2, "something else");
  for (const char* word : {"configuraton", "configuartion", "konfiguration", "configuratoin"}) {
    const auto result = search(word);
    if (std::string_view(word) == "konfiguration") {
      EXPECT_TRUE(result.hits.empty()) << "a first letter is never corrected";
      continue;
    }
    ASSERT_EQ(result.hits.size(), 1u) << word;
    EXPECT_EQ(result.terms[0].stands_for, (std::vector<std::string>{"configuration"})) << word;
  }
  EXPECT_TRUE(find("configuraton", {}, {.repair = false}).empty());
}

TEST_F(KeywordIndex, PartsOfIdentifiersAreFound) {
  put(1, "call getUserName before login");
  put(2, "the error ERR_CONNECTION_RESET means that the peer closed");
  put(3, "unrelated");
  EXPECT_EQ(find("username"), (Ids{1}));
  EXPECT_EQ(find("ERR_CONNECTION_RESET"), (Ids{2}));
  EXPECT_TRUE(find("zz").empty());
}

TEST_F(KeywordIndex, FeedbackAddsTheWordsOfTheBestChunks) {
  put(1, "rockets burn kerosene and oxygen in turbopumps");
  put(2, "turbopumps spin fast and need bearings");
  put(3, "gardens need water");
  EXPECT_EQ(find("kerosene"), (Ids{1}));
  const auto result = search("kerosene", {}, {.expand = true});
  ASSERT_EQ(result.hits.size(), 2u);
  EXPECT_EQ(result.hits[0].chunk, 1);
  EXPECT_EQ(result.hits[1].chunk, 2);
  EXPECT_TRUE(std::any_of(result.terms.begin(), result.terms.end(),
                          [](const auto& term) { return term.is_feedback; }));
}

TEST_F(KeywordIndex, NothingInAQuestionCanBreakTheSearch) {
  put(1, "plain words");
  for (const std::string& question :
       std::vector<std::string>{"", " ", "\"", "a\" OR b", "NEAR(plain words)", "plain* AND -words",
                                "'; DROP TABLE keyword_chunk; --", "(((", "\xFF\xFE",
                                std::string("plain\0words", 11), std::string(100'000, 'x'), "{col}: plain"}) {
    EXPECT_NO_THROW(search(question)) << question.substr(0, 30);
  }
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "word" + std::to_string(i) + " ";
  EXPECT_NO_THROW(search(many + " plain"));
  EXPECT_EQ(find("plain"), (Ids{1}));
}

TEST_F(KeywordIndex, OddChunksAreTaken) {
  put(1, "");
  put(2, "\xFF\xFE bytes");
  put(3, std::string(300'000, 'y') + " end");
  put(-5, "negative number", "", -1, -1);
  EXPECT_EQ(find("bytes"), (Ids{2}));
  EXPECT_EQ(find("end"), (Ids{3}));
  EXPECT_EQ(find("negative", {.collections = {-1}, .documents = {}, .excluded = {}}), (Ids{-5}));
  remove({1, 2, 3, -5});
  EXPECT_EQ(stats().n_chunks, 0);
}

TEST_F(KeywordIndex, AWriteThatFailsLeavesTheIndexAsItWas) {
  put(1, "engines");
  EXPECT_THROW(database_.write([&](Connection& connection) {
    const KeywordChunk chunk{.id = 2, .collection = 1, .document = 1, .text = "engines", .headings = ""};
    put_keyword_chunks(connection, {&chunk, 1});
    throw InvalidArgument("stop");
  }),
               InvalidArgument);
  EXPECT_EQ(find("engines"), (Ids{1}));
  EXPECT_EQ(stats().n_chunks, 1);
}

TEST_F(KeywordIndex, AThousandRandomChangesAgreeWithAFreshIndex) {
  std::mt19937_64 random(7);
  const auto text = [&] {
    std::string out;
    for (std::size_t i = 0, n = random() % 12; i < n; ++i) out += "w" + std::to_string(random() % 40) + " ";
    return out;
  };
  std::map<std::int64_t, std::string> truth;
  for (int step = 0; step < 1'000; ++step) {
    const auto id = static_cast<std::int64_t>(random() % 60);
    if (random() % 3 == 0) {
      remove({id});
      truth.erase(id);
    } else {
      truth[id] = text();
      put(id, truth[id]);
    }
  }
  const ScratchFolder folder;
  Database fresh({.path = folder / "fresh.sqlite"}, keyword_migrations(), null_log());
  fresh.write([&](Connection& connection) {
    std::vector<KeywordChunk> chunks;
    for (const auto& [id, words] : truth)
      chunks.push_back({.id = id, .collection = 1, .document = 1, .text = words, .headings = ""});
    put_keyword_chunks(connection, chunks);
  });
  for (int word = 0; word < 40; ++word) {
    const std::string question = "w" + std::to_string(word) + " w" + std::to_string((word + 7) % 40);
    KeywordResult wanted;
    fresh.read([&](Connection& connection) { wanted = search_keywords(connection, question); });
    const KeywordResult got = search(question);
    ASSERT_EQ(got.hits.size(), wanted.hits.size()) << question;
    for (std::size_t i = 0; i < got.hits.size(); ++i) {
      EXPECT_EQ(got.hits[i].chunk, wanted.hits[i].chunk) << question;
      EXPECT_FLOAT_EQ(got.hits[i].score, wanted.hits[i].score) << question;
    }
  }
  EXPECT_EQ(database_.check_integrity(), "ok");
}

TEST(KeywordStore, WordsSurviveEncodingAndDamageIsSeen) {
  const ChunkWords words{.headings = {1, 300, 70'000}, .body = {2, 5'000'000'000, 127, 128}};
  ChunkWords read;
  decode_words(encode_words(words), read);
  EXPECT_EQ(read.headings, words.headings);
  EXPECT_EQ(read.body, words.body);
  EXPECT_THROW(decode_words("", read), CorruptData);
  EXPECT_THROW(decode_words("\x05\x01", read), CorruptData);
  EXPECT_THROW(decode_words(std::string(12, '\xFF'), read), CorruptData);
}

TEST(PorterStem, GivesThePapersExamples) {
  const std::vector<std::pair<const char*, const char*>> examples = {{"caresses", "caress"},
                                                                     {"ponies", "poni"},
                                                                     {"cats", "cat"},
                                                                     {"feed", "feed"},
                                                                     {"agreed", "agre"},
                                                                     {"plastered", "plaster"},
                                                                     {"motoring", "motor"},
                                                                     {"sing", "sing"},
                                                                     {"conflated", "conflat"},
                                                                     {"hopping", "hop"},
                                                                     {"falling", "fall"},
                                                                     {"filing", "file"},
                                                                     {"happy", "happi"},
                                                                     {"sky", "sky"},
                                                                     {"relational", "relat"},
                                                                     {"conditional", "condit"},
                                                                     {"vietnamization", "vietnam"},
                                                                     {"hopefulness", "hope"},
                                                                     {"electrical", "electr"},
                                                                     {"revival", "reviv"},
                                                                     {"adjustment", "adjust"},
                                                                     {"adoption", "adopt"},
                                                                     {"controll", "control"},
                                                                     {"rate", "rate"},
                                                                     {"roll", "roll"}};
  for (const auto& [word, stem] : examples) EXPECT_EQ(porter_stem(word), stem) << word;
  EXPECT_EQ(porter_stem("naïve"), "naïve");
  EXPECT_EQ(porter_stem(""), "");
}

TEST(PorterStem, AgreesWithSqlitesOwn) {
  // FTS5 has the same algorithm as a tokenizer: what it makes of a word is read back from its vocabulary.
  const std::vector<std::string> roots = {"nation", "relate", "oper",  "happi",  "run",  "stopp", "hope",
                                          "argu",   "commun", "gener", "troubl", "size", "tann",  "fizz",
                                          "agre",   "decis",  "sens",  "predic", "valu", "motor"};
  const std::vector<std::string> endings = {
      "",      "s",       "es",      "ed",    "ing",   "ational", "tional", "enci",  "anci",  "izer",
      "abli",  "alli",    "entli",   "eli",   "ousli", "ization", "ation",  "ator",  "alism", "iveness",
      "ful",   "fulness", "ousness", "aliti", "iviti", "biliti",  "icate",  "ative", "alize", "iciti",
      "ical",  "ness",    "al",      "ance",  "ence",  "er",      "ic",     "able",  "ible",  "ant",
      "ement", "ment",    "ent",     "sion",  "tion",  "ou",      "ism",    "ate",   "iti",   "ous",
      "ive",   "ize",     "y",       "e",     "ll",    "ied",     "ies",    "ying"};
  constexpr Migration kTables[] = {
      {"oracle", 1,
       "CREATE VIRTUAL TABLE porter USING fts5(word, tokenize = 'porter ascii');"
       "CREATE VIRTUAL TABLE porter_terms USING fts5vocab(porter, 'instance');"}};
  const ScratchFolder folder;
  Database database({.path = folder / "oracle.sqlite"}, kTables, null_log());
  std::vector<std::string> words;
  for (const std::string& root : roots)
    for (const std::string& ending : endings) words.push_back(root + ending);
  database.write([&](Connection& connection) {
    for (std::size_t i = 0; i < words.size(); ++i)
      connection.execute("INSERT INTO porter(rowid, word) VALUES (?, ?)", i + 1, words[i]);
  });
  std::size_t n_read = 0;
  database.read([&](Connection& connection) {
    Statement find = connection.prepare("SELECT doc, term FROM porter_terms");
    while (find.step()) {
      const std::string& word = words[static_cast<std::size_t>(find.integer(0) - 1)];
      EXPECT_EQ(porter_stem(word), find.text(1)) << word;
      ++n_read;
    }
  });
  EXPECT_EQ(n_read, words.size());
}

}  // namespace
}  // namespace quintet::retrieval

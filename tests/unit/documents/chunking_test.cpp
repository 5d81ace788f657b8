#include "documents/chunking.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/text.h"

namespace quintet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// Builds a page block by block; a table is given as rows by "\n" and cells by "\t", its first row a header.
class PageBuilder {
 public:
  explicit PageBuilder(int number) { page_.number = number; }
  PageBuilder& add(BlockKind kind, std::string_view text, int level = 0, bool continues = false) {
    if (!page_.text.empty()) page_.text += "\n\n";
    Block block;
    block.kind = kind;
    block.level = level;
    block.continues = continues;
    block.range.begin = static_cast<std::uint32_t>(page_.text.size());
    page_.text += text;
    block.range.end = static_cast<std::uint32_t>(page_.text.size());
    if (kind == BlockKind::table) add_cells(block, text, !continues);
    page_.blocks.push_back(std::move(block));
    return *this;
  }
  Page page() const { return page_; }

 private:
  static void add_cells(Block& block, std::string_view text, bool has_header) {
    std::uint32_t at = block.range.begin;
    std::uint16_t row = 0;
    for (const std::string_view line : split(text, '\n')) {
      std::uint16_t column = 0;
      for (const std::string_view cell : split(line, '\t')) {
        block.cells.push_back(TableCell{.range = {at, at + static_cast<std::uint32_t>(cell.size())},
                                        .row = row,
                                        .column = column++,
                                        .is_header = has_header && row == 0});
        at += static_cast<std::uint32_t>(cell.size()) + 1;
      }
      ++row;
    }
  }
  Page page_;
};

std::vector<Chunk> chunks_of(const std::vector<Page>& pages, const ChunkOptions& options = {}) {
  Chunker chunker(options);
  std::vector<Chunk> chunks;
  for (const Page& page : pages) {
    chunker.add(page);
    for (Chunk& chunk : chunker.take()) chunks.push_back(std::move(chunk));
  }
  chunker.finish();
  for (Chunk& chunk : chunker.take()) chunks.push_back(std::move(chunk));
  return chunks;
}

std::string words(std::size_t n, std::string_view word = "word") {
  std::string text;
  for (std::size_t i = 0; i < n; ++i) text += cat(i == 0 ? "" : " ", word);
  return text;
}

ChunkOptions small(ChunkStrategy strategy = ChunkStrategy::structure) {
  ChunkOptions options;
  options.strategy = strategy;
  options.target_tokens = 40;
  options.max_tokens = 60;
  options.overlap_tokens = 10;
  options.parent_target_tokens = 120;
  options.parent_max_tokens = 200;
  return options;
}

TEST(Chunker, PutsSmallBlocksTogetherUnderTheirHeadings) {
  const Page page = PageBuilder(1)
                        .add(BlockKind::heading, "Rivers", 1)
                        .add(BlockKind::heading, "The Rhine", 2)
                        .add(BlockKind::paragraph, "It flows north. It is long.")
                        .add(BlockKind::list_item, "• Basel")
                        .add(BlockKind::list_item, "• Köln")
                        .page();
  const auto chunks = chunks_of({page});
  ASSERT_THAT(chunks, SizeIs(1));
  EXPECT_EQ(chunks[0].text, page.text);
  EXPECT_THAT(chunks[0].spans,
              ElementsAre(ChunkSpan{0, {1, {0, static_cast<std::uint32_t>(page.text.size())}}}));
  EXPECT_THAT(chunks[0].headings, ElementsAre("Rivers", "The Rhine"));
  EXPECT_GT(chunks[0].n_tokens, 10U);
}

TEST(Chunker, BeginsANewChunkAtAHeadingAndNeverEndsWithOne) {
  const Page page = PageBuilder(1)
                        .add(BlockKind::heading, "One", 1)
                        .add(BlockKind::paragraph, words(30) + ".")
                        .add(BlockKind::heading, "Two", 1)
                        .add(BlockKind::heading, "Two point one", 2)
                        .add(BlockKind::paragraph, words(100) + ".")
                        .page();
  const auto chunks = chunks_of({page}, small());
  ASSERT_GE(chunks.size(), 3U);
  EXPECT_TRUE(chunks[1].text.starts_with("Two\n\nTwo point one\n\nword"));
  EXPECT_THAT(chunks[0].headings, ElementsAre("One"));
  for (std::size_t i = 1; i < chunks.size(); ++i)
    EXPECT_THAT(chunks[i].headings, ElementsAre("Two", "Two point one"));
  for (const Chunk& chunk : chunks)
    EXPECT_TRUE(chunk.text.ends_with("word") || chunk.text.ends_with("word."));
}

TEST(Chunker, GivesSectionsTooSmallToStandAloneWhatTheirHeadingsShare) {
  const Page page = PageBuilder(1)
                        .add(BlockKind::heading, "Terms", 1)
                        .add(BlockKind::heading, "Ant", 2)
                        .add(BlockKind::paragraph, "An insect.")
                        .add(BlockKind::heading, "Bee", 2)
                        .add(BlockKind::paragraph, "Another.")
                        .page();
  const auto chunks = chunks_of({page});
  ASSERT_THAT(chunks, SizeIs(1));
  EXPECT_THAT(chunks[0].headings, ElementsAre("Terms"));
}

TEST(Chunker, LeavesRunningHeadersOutAndJoinsAParagraphOverThePageBreak) {
  const Page first = PageBuilder(7)
                         .add(BlockKind::page_header, "Chapter 1")
                         .add(BlockKind::paragraph, "The sentence goes on to the inter-")
                         .add(BlockKind::footnote, "1 A note.")
                         .add(BlockKind::page_footer, "7")
                         .page();
  const Page second = PageBuilder(8)
                          .add(BlockKind::page_header, "Chapter 1")
                          .add(BlockKind::paragraph, "national level and ends.", 0, true)
                          .page();
  const auto chunks = chunks_of({first, second});
  ASSERT_THAT(chunks, SizeIs(2));
  EXPECT_EQ(chunks[0].text, "The sentence goes on to the international level and ends.");
  EXPECT_THAT(chunks[0].spans, ElementsAre(ChunkSpan{0, {7, {11, 44}}}, ChunkSpan{33, {8, {11, 35}}}));
  EXPECT_EQ(chunks[1].text, "1 A note.");
}

TEST(Chunker, CutsLongParagraphsBetweenSentencesIntoPartsAlike) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += cat(i == 0 ? "" : " ", "Sentence ", i, " has some words in it.");
  const auto chunks = chunks_of({PageBuilder(1).add(BlockKind::paragraph, text).page()}, small());
  ASSERT_GE(chunks.size(), 4U);
  std::size_t least = 1000;
  std::size_t most = 0;
  for (const Chunk& chunk : chunks) {
    EXPECT_TRUE(chunk.text.starts_with("Sentence") && chunk.text.ends_with("it.")) << chunk.text;
    least = std::min(least, chunk.n_tokens);
    most = std::max(most, chunk.n_tokens);
  }
  EXPECT_LE(most, 60U);
  EXPECT_GE(least * 2, most);
}

TEST(Chunker, CutsASentenceThatIsTooLongBetweenWordsAndAWordBetweenCharacters) {
  std::string word;
  for (int i = 0; i < 400; ++i) word += "ü";
  const auto chunks = chunks_of(
      {PageBuilder(1).add(BlockKind::paragraph, words(200)).add(BlockKind::paragraph, word).page()}, small());
  std::string text;
  for (const Chunk& chunk : chunks) {
    EXPECT_LE(chunk.n_tokens, 60U);
    EXPECT_EQ(find_invalid_utf8(chunk.text), std::nullopt);
    text += chunk.text;
  }
  EXPECT_EQ(replace_all(text, "ü", "").size() + word.size(), text.size());
}

TEST(Chunker, KeepsATableWholeWhereItFitsWithItsCaption) {
  const Page page =
      PageBuilder(1)
          .add(BlockKind::paragraph, words(25) + ".")
          .add(BlockKind::caption, "Table 1: Lengths of rivers")
          .add(BlockKind::table, "River\tkm\nRhine\t1230\nDanube\t2850\nElbe\t1094\nOder\t840\nWeser\t451")
          .add(BlockKind::paragraph, words(30) + ".")
          .page();
  const auto chunks = chunks_of({page}, small());
  ASSERT_THAT(chunks, SizeIs(3));
  EXPECT_TRUE(chunks[1].text.starts_with("Table 1"));
  EXPECT_TRUE(chunks[1].text.ends_with("Weser\t451"));
}

TEST(Chunker, GivesThePartsOfALongTableTheirHeaderRowAsContext) {
  std::string table = "Name\tValue";
  for (int i = 0; i < 60; ++i) table += cat("\nname ", i, "\t", i * i);
  const std::string rest = "name 60\t3600\nname 61\t3721";
  const auto chunks =
      chunks_of({PageBuilder(1).add(BlockKind::heading, "Squares", 1).add(BlockKind::table, table).page(),
                 PageBuilder(2).add(BlockKind::table, rest, 0, true).page()},
                small());
  ASSERT_GE(chunks.size(), 4U);
  EXPECT_THAT(chunks[0].headings, ElementsAre("Squares"));
  for (std::size_t i = 1; i < chunks.size(); ++i) {
    EXPECT_THAT(chunks[i].headings, ElementsAre("Squares", "Name | Value"));
    EXPECT_TRUE(chunks[i].text.starts_with("name ")) << "rows stay whole";
  }
  EXPECT_THAT(chunks.back().text, HasSubstr("3721"));
  EXPECT_EQ(chunks.back().spans.back().source.page, 2);
}

TEST(Chunker, CutsCodeBetweenLines) {
  std::string code;
  for (int i = 0; i < 40; ++i) code += cat(i == 0 ? "" : "\n", "  call(argument. Next, ", i, ");");
  const auto chunks = chunks_of({PageBuilder(1).add(BlockKind::code, code).page()}, small());
  ASSERT_GE(chunks.size(), 4U);
  for (const Chunk& chunk : chunks) EXPECT_TRUE(chunk.text.ends_with(");"));
}

TEST(Chunker, KeepsTheSentenceThatAnnouncesAListWithIt) {
  const Page page = PageBuilder(1)
                        .add(BlockKind::paragraph, words(26) + ". There are two ways to do it:")
                        .add(BlockKind::list_item, "- the first way, which takes " + words(12))
                        .add(BlockKind::list_item, "- the second way")
                        .page();
  const auto chunks = chunks_of({page}, small());
  ASSERT_THAT(chunks, SizeIs(2));
  EXPECT_TRUE(chunks[1].text.starts_with("There are two ways to do it:\n\n- the first way"))
      << chunks[1].text;
}

TEST(Chunker, RepeatsTheEndOfTheChunkBeforeWithFixed) {
  std::string text;
  for (int i = 100; i < 300; ++i) text += cat(i == 100 ? "" : " ", i);
  const auto chunks =
      chunks_of({PageBuilder(1).add(BlockKind::paragraph, text).page()}, small(ChunkStrategy::fixed));
  ASSERT_GE(chunks.size(), 5U);
  for (std::size_t i = 1; i < chunks.size(); ++i) {
    const std::string shared = chunks[i].text.substr(0, 3 * 10 + 9);
    EXPECT_TRUE(chunks[i - 1].text.ends_with(shared)) << chunks[i - 1].text << " | " << chunks[i].text;
    EXPECT_LE(chunks[i].n_tokens, 40U);
  }
  EXPECT_TRUE(chunks.back().text.ends_with("299"));
}

TEST(Chunker, SlidesAWindowOfSentencesThatStopsAtHeadings) {
  const Page page = PageBuilder(1)
                        .add(BlockKind::heading, "A", 1)
                        .add(BlockKind::paragraph, "One. Two. Three. Four. Five. Six.")
                        .add(BlockKind::heading, "B", 1)
                        .add(BlockKind::paragraph, "Seven. Eight.")
                        .page();
  ChunkOptions options;
  options.strategy = ChunkStrategy::sentence_window;
  options.window_sentences = 3;
  options.overlap_sentences = 1;
  std::vector<std::string> texts;
  for (const Chunk& chunk : chunks_of({page}, options)) texts.push_back(chunk.text);
  EXPECT_THAT(texts,
              ElementsAre("A\n\nOne. Two. Three.", "Three. Four. Five.", "Five. Six.", "B\n\nSeven. Eight."));
}

std::string two_subjects() {
  std::string text;
  for (int i = 0; i < 6; ++i) text += "The river carries water from the mountain glacier down to the sea. ";
  for (int i = 0; i < 6; ++i)
    text += "Compilers translate source programs into machine instructions for processors. ";
  return text;
}

TEST(Chunker, CutsWhereTheSubjectChangesByTheWordsThatSentencesShare) {
  ChunkOptions options;
  options.strategy = ChunkStrategy::semantic;
  const auto chunks = chunks_of({PageBuilder(1).add(BlockKind::paragraph, two_subjects()).page()}, options);
  ASSERT_THAT(chunks, SizeIs(2));
  EXPECT_THAT(chunks[0].text, Not(HasSubstr("Compilers")));
  EXPECT_THAT(chunks[1].text, Not(HasSubstr("river")));
}

TEST(Chunker, CutsWhereTheSubjectChangesByTheEmbeddingsGiven) {
  ChunkOptions options;
  options.strategy = ChunkStrategy::semantic;
  std::size_t n_embedded = 0;
  options.embed = [&](const std::vector<std::string_view>& sentences) {
    std::vector<std::vector<float>> vectors;
    for (const std::string_view sentence : sentences)
      vectors.push_back(sentence.find("river") != std::string_view::npos ? std::vector<float>{1, 0}
                                                                         : std::vector<float>{0, 1});
    n_embedded += sentences.size();
    return vectors;
  };
  const Page page = PageBuilder(1).add(BlockKind::paragraph, two_subjects()).page();
  EXPECT_THAT(chunks_of({page}, options), SizeIs(2));
  EXPECT_EQ(n_embedded, 12U);
  options.embed = [](const std::vector<std::string_view>&) { return std::vector<std::vector<float>>(2); };
  EXPECT_THROW(chunks_of({page}, options), InvalidArgument);
}

TEST(Chunker, GivesParentsBeforeTheChildrenTheyContain) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += cat("Sentence ", i, " of the section has some words. ");
  const Page page = PageBuilder(1)
                        .add(BlockKind::paragraph, "A short start.")
                        .add(BlockKind::heading, "Long", 1)
                        .add(BlockKind::paragraph, text)
                        .page();
  const auto chunks = chunks_of({page, page}, small(ChunkStrategy::parent_child));
  std::size_t n_children = 0;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (chunks[i].parent < 0) continue;
    ++n_children;
    ASSERT_LT(chunks[i].parent, static_cast<int>(i));
    const Chunk& parent = chunks[static_cast<std::size_t>(chunks[i].parent)];
    EXPECT_EQ(parent.parent, -1);
    EXPECT_NE(parent.text.find(chunks[i].text), std::string::npos);
  }
  EXPECT_GT(n_children, 10U);
}

TEST(Chunker, TakesAPageWithoutBlocksAsOnePieceAndAnEmptyOneAsNothing) {
  Page page;
  page.number = 1;
  page.text = "Just text.";
  const auto chunks = chunks_of({page, Page{}});
  ASSERT_THAT(chunks, SizeIs(1));
  EXPECT_EQ(chunks[0].text, "Just text.");
  EXPECT_THAT(chunks_of({}), IsEmpty());
}

TEST(Chunker, CountsTokensAsItsCallerDoes) {
  ChunkOptions options = small();
  options.count_tokens = [](std::string_view text) { return text.size(); };
  for (const Chunk& chunk :
       chunks_of({PageBuilder(1).add(BlockKind::paragraph, words(100)).page()}, options)) {
    EXPECT_LE(chunk.text.size(), 60U);
    EXPECT_EQ(chunk.n_tokens, chunk.text.size());
  }
}

TEST(Chunker, RefusesOptionsAndPagesThatContradictThemselves) {
  ChunkOptions options;
  options.max_tokens = options.target_tokens - 1;
  EXPECT_THROW(Chunker{options}, InvalidArgument);
  options = {};
  options.overlap_tokens = options.target_tokens;
  EXPECT_THROW(Chunker{options}, InvalidArgument);
  Chunker chunker;
  Page page = PageBuilder(1).add(BlockKind::paragraph, "text").page();
  page.blocks[0].range.end = 5;
  EXPECT_THROW(chunker.add(page), InvalidArgument);
}

TEST(ChunkStrategy, HasNamesThatAreReadBack) {
  for (const ChunkStrategy strategy :
       {ChunkStrategy::structure, ChunkStrategy::fixed, ChunkStrategy::sentence_window,
        ChunkStrategy::semantic, ChunkStrategy::parent_child})
    EXPECT_EQ(parse_chunk_strategy(chunk_strategy_name(strategy)), strategy);
  EXPECT_EQ(parse_chunk_strategy("whole"), std::nullopt);
}

// ---- properties over random documents

std::vector<Page> random_document(std::mt19937& random) {
  const char* const pieces[] = {"river",   "The",    "flows.",  "why?", "3.14", "(see", "p. 4)",
                                "界。",    "größer", "inter-",  "a",    "e.g.", "\"So", "it",
                                "went.\"", "x",      "München", "hash", "#",    "word:"};
  constexpr BlockKind kKinds[] = {BlockKind::paragraph,   BlockKind::paragraph,  BlockKind::paragraph,
                                  BlockKind::heading,     BlockKind::list_item,  BlockKind::table,
                                  BlockKind::caption,     BlockKind::footnote,   BlockKind::code,
                                  BlockKind::page_header, BlockKind::page_footer};
  std::vector<Page> pages;
  const std::size_t n_pages = 1 + random() % 5;
  for (std::size_t number = 1; number <= n_pages; ++number) {
    PageBuilder builder(static_cast<int>(number));
    for (std::size_t n = random() % 8; n > 0; --n) {
      const BlockKind kind = kKinds[random() % std::size(kKinds)];
      const bool has_rows = kind == BlockKind::table || kind == BlockKind::code;
      std::string text = pieces[random() % std::size(pieces)];
      const std::size_t n_words = kind == BlockKind::heading ? random() % 6 : random() % 120;
      for (std::size_t i = 0; i < n_words; ++i) {
        text += has_rows && random() % 4 == 0                   ? "\n"
                : kind == BlockKind::table && random() % 2 == 0 ? "\t"
                                                                : " ";
        text += pieces[random() % std::size(pieces)];
      }
      builder.add(kind, text, kind == BlockKind::heading ? 1 + static_cast<int>(random() % 3) : 0,
                  n % 2 == 0 && random() % 2 == 0);
    }
    pages.push_back(builder.page());
  }
  return pages;
}

void check_chunks(const std::vector<Page>& pages, const ChunkOptions& options) {
  const auto chunks = chunks_of(pages, options);
  std::map<int, std::vector<int>> n_times;  // how often each byte of a page is in a chunk
  for (const Page& page : pages) n_times[page.number].resize(page.text.size());
  for (const Chunk& chunk : chunks) {
    ASSERT_FALSE(chunk.spans.empty());
    std::uint32_t end = 0;
    std::string between;
    for (const ChunkSpan& span : chunk.spans) {
      const Page& page = pages[static_cast<std::size_t>(span.source.page - 1)];
      ASSERT_GE(span.begin, end) << "spans overlap";
      ASSERT_LE(span.source.range.end, page.text.size());
      between += chunk.text.substr(end, span.begin - end);
      end = span.begin + span.source.range.size();
      ASSERT_LE(end, chunk.text.size());
      EXPECT_EQ(chunk.text.substr(span.begin, span.source.range.size()),
                page.text.substr(span.source.range.begin, span.source.range.size()));
      if (chunk.parent < 0 && options.strategy == ChunkStrategy::parent_child) continue;
      for (std::uint32_t i = span.source.range.begin; i < span.source.range.end; ++i)
        ++n_times[span.source.page][i];
    }
    between += chunk.text.substr(end);
    EXPECT_EQ(trim(between), "") << "text from nowhere";
    EXPECT_LE(chunk.n_tokens, options.strategy == ChunkStrategy::parent_child ? options.parent_max_tokens
                                                                              : options.max_tokens);
    EXPECT_EQ(find_invalid_utf8(chunk.text), std::nullopt);
  }
  const bool overlaps =
      options.strategy == ChunkStrategy::fixed || options.strategy == ChunkStrategy::sentence_window;
  if (options.strategy == ChunkStrategy::parent_child) return;
  for (const Page& page : pages) {
    for (const Block& block : page.blocks) {
      const bool is_furniture = block.kind == BlockKind::page_header || block.kind == BlockKind::page_footer;
      for (std::uint32_t i = block.range.begin; i < block.range.end; ++i) {
        if (std::string_view(" \n\t").find(page.text[i]) != std::string_view::npos) continue;
        const int n = n_times[page.number][i];
        if (is_furniture) {
          ASSERT_EQ(n, 0);
        } else if (page.text[i] == '-' && i + 1 == block.range.end) {
          ASSERT_LE(n, 1 + overlaps * 4);  // dropped where the next page has the rest of its word
        } else {
          ASSERT_GE(n, 1) << "page " << page.number << " byte " << i << " is in no chunk";
          if (!overlaps) ASSERT_EQ(n, 1);
        }
      }
    }
  }
}

TEST(Chunker, HoldsItsPromisesForRandomDocumentsAndEveryStrategy) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(cat("seed ", seed));
    std::mt19937 random(seed);
    const std::vector<Page> pages = random_document(random);
    for (const ChunkStrategy strategy :
         {ChunkStrategy::structure, ChunkStrategy::fixed, ChunkStrategy::sentence_window,
          ChunkStrategy::semantic, ChunkStrategy::parent_child}) {
      SCOPED_TRACE(chunk_strategy_name(strategy));
      ASSERT_NO_FATAL_FAILURE(check_chunks(pages, small(strategy)));
      ChunkOptions options;
      options.strategy = strategy;
      ASSERT_NO_FATAL_FAILURE(check_chunks(pages, options));
    }
  }
}

}  // namespace
}  // namespace quintet

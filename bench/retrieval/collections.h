#pragma once

// Loaders of public test collections for the benchmarks of this folder. Each returns an empty value where the
// data is not there.

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/files.h"
#include "core/json.h"
#include "core/text.h"
#include "retrieval/ir_metrics.h"
#include "testing/test_data.h"

namespace quintet::retrieval {

struct NamedText {
  std::string name;
  std::string title;
  std::string text;
};

struct Collection {
  std::string name;
  std::vector<NamedText> documents;
  std::vector<NamedText> queries;
  Qrels qrels;
};

/// What stands between `open` and `close` from `at` on, which moves behind it; nothing at the end.
inline std::string_view take_element(std::string_view text, std::string_view open, std::string_view close,
                                     std::size_t& at) {
  const std::size_t begin = text.find(open, at);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = text.find(close, begin);
  if (end == std::string_view::npos) return {};
  at = end + close.size();
  return text.substr(begin + open.size(), end - begin - open.size());
}

/// 1,400 abstracts on aerodynamics, 225 questions in whole sentences. The judgements number the questions by
/// their place in the file, not by the number printed there.
inline Collection load_cranfield() {
  Collection collection{.name = "Cranfield", .documents = {}, .queries = {}, .qrels = {}};
  const auto folder = test_data("retrieval/cranfield");
  if (folder.empty()) return collection;
  const std::string documents = read_file(folder / "cran.all.1400.xml");
  for (std::size_t at = 0;;) {
    const auto doc = take_element(documents, "<doc>", "</doc>", at);
    if (doc.empty()) break;
    std::size_t inner = 0;
    NamedText document;
    document.name = std::string(trim(take_element(doc, "<docno>", "</docno>", inner)));
    document.title = std::string(trim(take_element(doc, "<title>", "</title>", inner)));
    document.text = std::string(trim(take_element(doc, "<text>", "</text>", inner)));
    collection.documents.push_back(std::move(document));
  }
  const std::string queries = read_file(folder / "cran.qry.xml");
  for (std::size_t at = 0;;) {
    const auto query = take_element(queries, "<title>", "</title>", at);
    if (query.empty()) break;
    collection.queries.push_back(
        {std::to_string(collection.queries.size() + 1), "", std::string(trim(query))});
  }
  collection.qrels = read_qrels(read_file(folder / "cranqrel.trec.txt"));
  return collection;
}

/// 11,429 short abstracts on electronics (NPL), 93 queries of keywords.
inline Collection load_vaswani() {
  Collection collection{.name = "Vaswani", .documents = {}, .queries = {}, .qrels = {}};
  const auto folder = test_data("retrieval/vaswani");
  if (folder.empty()) return collection;
  const std::string documents = read_file(folder / "corpus" / "doc-text.trec");
  for (std::size_t at = 0;;) {
    const auto doc = take_element(documents, "<DOC>", "</DOC>", at);
    if (doc.empty()) break;
    std::size_t inner = 0;
    NamedText document;
    document.name = std::string(trim(take_element(doc, "<DOCNO>", "</DOCNO>", inner)));
    document.text = std::string(trim(doc.substr(inner)));
    collection.documents.push_back(std::move(document));
  }
  const std::string queries = read_file(folder / "query-text.trec");
  for (std::size_t at = 0;;) {
    const auto top = take_element(queries, "<top>", "</top>", at);
    if (top.empty()) break;
    std::size_t inner = 0;
    NamedText query;
    query.name = std::string(trim(take_element(top, "<num>", "</num>", inner)));
    query.text = std::string(trim(take_element(top, "<title>", "</title>", inner)));
    collection.queries.push_back(std::move(query));
  }
  collection.qrels = read_qrels(read_file(folder / "qrels"));
  return collection;
}

struct Question {
  std::string text;
  std::size_t paragraph = 0;  // where the answer stands
  std::vector<std::string> answers;
};

struct QuestionSet {
  std::vector<std::string> paragraphs;
  std::vector<std::string> titles;  // of the article of each paragraph
  std::vector<Question> questions;
};

/// SQuAD's format; `language` is "en", "de", "zh" or "ar".
inline QuestionSet load_xquad(std::string_view language) {
  QuestionSet set;
  const auto path = test_data(cat("questions/xquad.", language, ".json"));
  if (path.empty()) return set;
  const Json root = parse_json(read_file(path));
  for (const auto& article : root.as_object().at("data").as_array())
    for (const auto& paragraph : article.as_object().at("paragraphs").as_array()) {
      const auto& object = paragraph.as_object();
      for (const auto& qa : object.at("qas").as_array()) {
        Question question;
        question.text = std::string(qa.as_object().at("question").as_string());
        question.paragraph = set.paragraphs.size();
        for (const auto& answer : qa.as_object().at("answers").as_array())
          question.answers.emplace_back(answer.as_object().at("text").as_string());
        set.questions.push_back(std::move(question));
      }
      set.paragraphs.emplace_back(object.at("context").as_string());
      set.titles.emplace_back(article.as_object().contains("title")
                                  ? std::string(article.as_object().at("title").as_string())
                                  : std::string());
    }
  return set;
}

}  // namespace quintet::retrieval

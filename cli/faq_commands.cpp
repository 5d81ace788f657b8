#include <cstdio>
#include <iostream>
#include <unistd.h>

#include "apps/faq/chat_responder.h"
#include "apps/faq/import.h"
#include "commands.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace quintet::cli {

namespace {

void ensure_kb(Application& app, const std::string& kb) {
  if (!app.knowledge.find(kb)) app.knowledge.create(kb, kb, "");
}

faq::ImportResult read_files(const FaqImportArguments& arguments) {
  const auto format = faq::requested_format(arguments.format);
  if (!format) return faq::import_files(arguments.files);
  if (arguments.files.size() != 1 || std::filesystem::is_directory(arguments.files.front()))
    throw InvalidArgument(
        "--format names the format of one file; leave it out for several files or a folder");
  return faq::import_entries(read_file(arguments.files.front()), *format);
}

void print_problems(const faq::ImportResult& result) {
  constexpr std::size_t kMaxShown = 20;
  std::size_t shown = 0;
  for (const auto& problem : result.problems) {
    if (shown++ == kMaxShown) {
      std::cerr << "… and " << result.problems.size() - kMaxShown << " more\n";
      break;
    }
    std::cerr << faq::to_text(problem) << '\n';
  }
}

std::string source_name(const std::vector<std::filesystem::path>& files) {
  if (files.size() == 1) return files.front().filename().string();
  return cat(files.size(), " files");
}

}  // namespace

int faq_import(Application& app, const FaqImportArguments& arguments) {
  const Stopwatch watch;
  faq::ImportResult result = read_files(arguments);
  print_problems(result);
  if (result.entries.empty())
    throw InvalidArgument(
        cat("nothing to import: ", source_name(arguments.files),
            " holds no question with an answer (see `quintet faq import --help` for the formats)"));
  if (result.has_errors() && !arguments.skip_bad && !arguments.dry_run)
    throw InvalidArgument(cat("nothing was imported because of the errors above; mend them, or import the ",
                              result.entries.size(), " valid entries with --skip-bad"));
  const std::size_t n_read = result.entries.size();
  faq::ImportCounts counts;
  if (arguments.dry_run && !app.knowledge.find(arguments.kb)) {
    counts.n_new = static_cast<std::int64_t>(n_read);  // and the knowledge base would be made
  } else {
    ensure_kb(app, arguments.kb);
    counts = app.knowledge.import(arguments.kb, std::move(result.entries),
                                  arguments.replace ? faq::ImportMode::replace : faq::ImportMode::merge,
                                  "cli", source_name(arguments.files), arguments.dry_run);
  }
  if (arguments.as_json) {
    std::cout << to_json(JsonObject{{"kb", arguments.kb},
                                    {"n_read", n_read},
                                    {"n_new", counts.n_new},
                                    {"n_changed", counts.n_changed},
                                    {"n_unchanged", counts.n_unchanged},
                                    {"n_removed", counts.n_removed},
                                    {"n_duplicates", result.n_duplicates},
                                    {"n_problems", result.problems.size()},
                                    {"committed", !arguments.dry_run},
                                    {"seconds", watch.seconds()}})
              << '\n';
  } else {
    std::cout << (arguments.dry_run ? "Would import " : "Imported ") << n_read << " entries into \""
              << arguments.kb << "\": " << counts.n_new << " new, " << counts.n_changed << " changed, "
              << counts.n_unchanged << " unchanged, " << counts.n_removed << " removed\n";
  }
  return 0;
}

int faq_ask(Application& app, const FaqAskArguments& arguments) {
  const auto knowledge = app.cache.get(arguments.kb);
  faq::Question question;
  question.text = arguments.question;
  const auto model = app.models.find(arguments.model);
  const bool stream = !arguments.as_json && ::isatty(STDOUT_FILENO) == 1;
  const auto answer = app.answerer.answer(
      *knowledge, question, *model,
      [&](const faq::AnswerEvent& event) {
        if (const auto* delta = std::get_if<faq::AnswerDelta>(&event); delta != nullptr && stream)
          std::cout << delta->text << std::flush;
        if (const auto* retry = std::get_if<RetryNotice>(&event))
          std::cerr << "trying again in " << retry->delay_seconds << " s: " << retry->reason << '\n';
        if (const auto* reset = std::get_if<faq::AnswerReset>(&event); reset != nullptr && stream)
          std::cout << "\n(" << reset->reason << ")\n";
      },
      {});
  app.questions.record_later(
      {"", knowledge->kb.id, question.text, now_ms(), answer.refused, answer.text, answer.entry_ids, ""});
  if (arguments.as_json) {
    std::cout << to_json(faq::to_json_object(answer)) << '\n';
    return 0;
  }
  if (!stream || answer.refused) std::cout << answer.text;
  std::cout << '\n';
  if (!answer.entry_ids.empty()) std::cout << "\nFrom: " << join(answer.entry_ids, ", ") << '\n';
  if (answer.refused && !answer.nearest.empty()) {
    std::cout << "\nNearest questions:\n";
    for (const auto& one : answer.nearest) std::cout << "  - " << one.question << '\n';
  }
  return 0;
}

int faq_list(Application& app, const FaqListArguments& arguments) {
  JsonArray rows;
  if (arguments.kb.empty()) {
    for (const auto& kb : app.knowledge.list()) {
      const auto n_entries = app.knowledge.entries(kb.name, "", "", 0, 1).total;
      rows.push_back(JsonObject{{"name", kb.name},
                                {"title", kb.title},
                                {"n_entries", n_entries},
                                {"updated_at", to_iso8601(kb.updated_at)}});
      if (!arguments.as_json) std::cout << kb.name << "\t" << n_entries << " entries\t" << kb.title << '\n';
    }
    if (rows.empty() && !arguments.as_json)
      std::cout << "No knowledge base yet. Make one: quintet faq import FILE --kb NAME\n";
  } else {
    constexpr std::int64_t kPage = 500;
    for (std::int64_t offset = 0;;) {
      const auto page = app.knowledge.entries(arguments.kb, arguments.query, "", offset, kPage);
      for (const auto& stored : page.entries) {
        rows.push_back(faq::to_json_object(stored.entry));
        if (!arguments.as_json) std::cout << stored.entry.id << "\t" << stored.entry.question << '\n';
      }
      if (!page.next) break;
      offset = *page.next;
    }
  }
  if (arguments.as_json) std::cout << to_json(rows) << '\n';
  return 0;
}

int faq_export(Application& app, const FaqExportArguments& arguments) {
  const std::string text =
      faq::export_entries(app.knowledge.snapshot(arguments.kb).entries,
                          faq::requested_format(arguments.format).value_or(faq::FaqFormat::json));
  if (arguments.output.empty()) {
    std::cout << text;
  } else {
    write_file_atomically(arguments.output, text);
  }
  return 0;
}

int faq_delete(Application& app, const FaqDeleteArguments& arguments) {
  if (!arguments.entry.empty()) {
    const auto stored = app.knowledge.entry(arguments.kb, arguments.entry);
    app.knowledge.remove_entry(arguments.kb, arguments.entry, stored.revision, "cli");
    std::cout << "Deleted \"" << stored.entry.question << "\" (its history keeps it)\n";
    return 0;
  }
  const auto kb = app.knowledge.get(arguments.kb);
  if (!arguments.yes) {
    if (::isatty(STDIN_FILENO) != 1)
      throw InvalidArgument(cat("deleting the knowledge base \"", kb.name, "\" cannot be undone; add --yes"));
    std::cerr << "Delete the knowledge base \"" << kb.name << "\" with all entries and its history? [y/N] ";
    std::string reply;
    std::getline(std::cin, reply);
    if (reply != "y" && reply != "Y" && reply != "yes") {
      std::cerr << "Kept.\n";
      return 1;
    }
  }
  app.knowledge.remove(kb.name);
  std::cout << "Deleted the knowledge base \"" << kb.name << "\"\n";
  return 0;
}

std::string import_for_serving(Application& app, const std::filesystem::path& file) {
  // A name of an existing knowledge base will do as well as a file.
  if (!std::filesystem::exists(file)) {
    if (app.knowledge.find(file.string())) return file.string();
    throw NotFound(cat("there is neither a file nor a knowledge base ", file.string()));
  }
  const std::string name = faq::slug(std::filesystem::absolute(file).lexically_normal().filename().string());
  faq::ImportResult result = faq::import_files(std::span(&file, 1));
  print_problems(result);
  if (result.entries.empty()) throw InvalidArgument(cat(file.string(), " holds no question with an answer"));
  ensure_kb(app, name);
  const auto counts = app.knowledge.import(name, std::move(result.entries), faq::ImportMode::merge, "cli",
                                           file.filename().string(), false);
  app.log.info("imported a FAQ", {{"kb", name},
                                  {"new", counts.n_new},
                                  {"changed", counts.n_changed},
                                  {"unchanged", counts.n_unchanged}});
  return name;
}

}  // namespace quintet::cli

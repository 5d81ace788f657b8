#include <algorithm>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/text.h"
#include "formats/tokenizer_files.h"

namespace quintet {

namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{512} << 20;

std::vector<std::string_view> lines_of(std::string_view text) {
  auto lines = split(text, '\n');
  for (std::string_view& line : lines) {
    if (line.ends_with('\r')) line.remove_suffix(1);
  }
  return lines;
}

void read_vocab_json(TokenizerData& data, std::string_view text) {
  Json root;
  try {
    root = parse_json(text, "vocabulary");
  } catch (const InvalidArgument& error) {
    throw CorruptData(error.what());
  }
  const JsonObject* entries = root.if_object();
  if (entries == nullptr) throw CorruptData("vocabulary: not an object of pieces and ids");
  for (const auto& entry : *entries) {
    const std::string_view piece = entry.key();
    if (!entry.value().is_int64() || entry.value().get_int64() < 0) {
      throw CorruptData(cat("vocabulary: the id of \"", piece, "\" is not a whole number"));
    }
    const auto id = static_cast<std::uint64_t>(entry.value().get_int64());
    if (id >= entries->size() + (1U << 16)) {
      throw CorruptData(
          cat("vocabulary: \"", piece, "\" has id ", id, " among ", entries->size(), " pieces"));
    }
    if (id >= data.pieces.size()) data.pieces.resize(static_cast<std::size_t>(id) + 1);
    std::string& slot = data.pieces[static_cast<std::size_t>(id)];
    if (!slot.empty())
      throw CorruptData(cat("vocabulary: id ", id, " is both \"", slot, "\" and \"", piece, "\""));
    slot = piece;
  }
  data.types.assign(data.pieces.size(), PieceType::normal);
}

/// "<|…|>" pieces are special in every vocabulary of this family.
void find_marked_tokens(TokenizerData& data) {
  for (std::size_t id = 0; id < data.pieces.size(); ++id) {
    const std::string& piece = data.pieces[id];
    if (piece.size() < 5 || !piece.starts_with("<|") || !piece.ends_with("|>")) continue;
    AddedToken token;
    token.text = piece;
    token.id = static_cast<TokenId>(id);
    token.is_special = true;
    data.added_tokens.push_back(std::move(token));
    data.types[id] = PieceType::control;
  }
}

std::string read_if_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) ? read_file(path, kMaxFileBytes) : std::string();
}

/// A .jinja file beside the others is the newer place of the chat template; models that see have some in
/// chat_template.json.
void add_template_file(TokenizerData& data, const std::filesystem::path& folder) {
  if (auto source = read_if_there(folder / "chat_template.jinja"); !source.empty()) {
    data.chat_template = std::move(source);
  } else if (data.chat_template.empty()) {
    apply_chat_templates(data, read_if_there(folder / "chat_template.json"));
  }
}

/// What GPT-2-like vocabularies are split by, from the class that tokenizer_config.json names.
std::string_view pre_tokenizer_of(std::string_view config, const TokenizerData& data) {
  if (config.find("Qwen2Tokenizer") != std::string_view::npos) return "qwen2";
  // Llama 3's files name no class; its vocabulary has 128,000 pieces before the special tokens.
  const bool has_start =
      std::find(data.pieces.begin(), data.pieces.end(), "<|begin_of_text|>") != data.pieces.end();
  if (has_start || data.pieces.size() == 128'000) return "llama-bpe";
  return "gpt-2";
}

struct TiktokenEncoding {
  std::string_view name;
  std::string_view pre_tokenizer;
  std::vector<std::pair<std::string_view, TokenId>> special;
};

const std::vector<TiktokenEncoding>& tiktoken_encodings() {
  static const std::vector<TiktokenEncoding> kEncodings{
      {"cl100k_base",
       "dbrx",
       {{"<|endoftext|>", 100257},
        {"<|fim_prefix|>", 100258},
        {"<|fim_middle|>", 100259},
        {"<|fim_suffix|>", 100260},
        {"<|endofprompt|>", 100276}}},
      {"o200k_base", "gpt-4o", {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
      {"r50k_base", "gpt-2", {{"<|endoftext|>", 50256}}},
      {"p50k_base", "gpt-2", {{"<|endoftext|>", 50256}}},
  };
  return kEncodings;
}

}  // namespace

TokenizerData read_bpe_files(std::string_view vocab_json, std::string_view merges_text,
                             std::string_view pre_tokenizer, std::string_view tokenizer_config_json) {
  TokenizerData data;
  data.kind = TokenizerKind::bpe;
  read_vocab_json(data, vocab_json);
  const PieceIndex index(data.pieces);
  std::size_t number = 0;
  for (const std::string_view line : lines_of(merges_text)) {
    ++number;
    if (line.empty() || (number == 1 && line.starts_with("#version"))) continue;
    const std::size_t blank = line.find(' ', 1);
    if (blank == std::string_view::npos || blank + 1 == line.size()) {
      throw CorruptData(cat("merges: line ", number, " \"", sanitize_utf8(line), "\" is no pair"));
    }
    data.merges.push_back(
        make_merge(index, line.substr(0, blank), line.substr(blank + 1), data.merges.size()));
  }
  data.pre_tokenizer_name = pre_tokenizer;
  KnownPreTokenizer known = known_pre_tokenizer(pre_tokenizer);
  data.pre_tokenizers = std::move(known.steps);
  data.ignore_merges = known.ignore_merges;
  if (known.is_nfc) data.normalizers.push_back(NormalizeUnicode{UnicodeForm::nfc});
  data.decoder.kind = DecoderKind::byte_level;
  find_marked_tokens(data);
  if (const auto id = index.find("<|endoftext|>")) data.special.bos = data.special.eos = *id;
  if (const auto id = index.find("<|begin_of_text|>")) data.special.bos = *id;
  if (known.add_bos && data.special.bos) data.prefix_ids = {*data.special.bos};
  apply_tokenizer_config(data, tokenizer_config_json);
  check_tokenizer_data(data, "vocabulary");
  return data;
}

TokenizerData read_tiktoken(std::string_view text, std::string_view encoding) {
  TokenizerData data;
  data.kind = TokenizerKind::bpe;
  std::size_t number = 0;
  for (const std::string_view line : lines_of(text)) {
    ++number;
    if (trim(line).empty()) continue;
    const std::size_t blank = line.find(' ');
    const auto bytes = blank == std::string_view::npos ? std::nullopt : base64_decode(line.substr(0, blank));
    const auto rank =
        blank == std::string_view::npos ? std::nullopt : parse_int(trim(line.substr(blank + 1)));
    if (!bytes || !rank || *rank < 0 || bytes->empty()) {
      throw CorruptData(cat("tiktoken file: line ", number, " is no piece and rank"));
    }
    // Every line takes at least six bytes, so that ranks far above the line's number are holes beyond reason.
    if (static_cast<std::uint64_t>(*rank) >= number + (1U << 16)) {
      throw CorruptData(cat("tiktoken file: rank ", *rank, " in line ", number));
    }
    const auto id = static_cast<std::size_t>(*rank);
    if (id >= data.pieces.size()) data.pieces.resize(id + 1);
    if (!data.pieces[id].empty())
      throw CorruptData(cat("tiktoken file: rank ", id, " twice, again in line ", number));
    data.pieces[id] = byte_alphabet_encode(*bytes);
  }
  if (data.pieces.empty()) throw CorruptData("tiktoken file: no pieces");
  data.types.assign(data.pieces.size(), PieceType::normal);
  // tiktoken merges any two neighbours whose concatenation is a piece, lowest rank of the result first: all
  // ways to cut a piece in two. Cuts inside a character of the byte alphabet are none.
  const PieceIndex index(data.pieces);
  for (std::size_t id = 0; id < data.pieces.size(); ++id) {
    const std::string_view piece = data.pieces[id];
    for (std::size_t cut = 1; cut < piece.size(); ++cut) {
      if ((static_cast<unsigned char>(piece[cut]) & 0xC0) == 0x80) continue;
      const auto left = index.find(piece.substr(0, cut));
      if (!left) continue;
      const auto right = index.find(piece.substr(cut));
      if (!right) continue;
      data.merges.push_back({*left, *right, static_cast<TokenId>(id), static_cast<std::uint32_t>(id)});
    }
  }
  std::string_view pre_tokenizer = "dbrx";
  for (const TiktokenEncoding& known : tiktoken_encodings()) {
    if (known.name != encoding) continue;
    pre_tokenizer = known.pre_tokenizer;
    for (const auto& [special, id] : known.special) {
      if (id >= data.pieces.size() + (1U << 16)) continue;
      if (id >= data.pieces.size()) {
        data.pieces.resize(id + std::size_t{1});
        data.types.resize(id + std::size_t{1}, PieceType::unused);
      }
      if (!data.pieces[id].empty()) continue;
      data.pieces[id] = special;
      data.types[id] = PieceType::control;
      AddedToken token;
      token.text = special;
      token.id = id;
      token.is_special = true;
      data.added_tokens.push_back(std::move(token));
    }
  }
  data.pre_tokenizers = known_pre_tokenizer(pre_tokenizer).steps;
  data.pre_tokenizer_name = pre_tokenizer;
  data.ignore_merges = true;  // as tiktoken does; every piece of its files is its own result anyway
  data.decoder.kind = DecoderKind::byte_level;
  const PieceIndex all(data.pieces);
  if (const auto id = all.find("<|endoftext|>")) data.special.eos = data.special.bos = *id;
  check_tokenizer_data(data, "tiktoken file");
  return data;
}

TokenizerData read_wordpiece_vocab(std::string_view text, std::string_view tokenizer_config_json) {
  TokenizerData data;
  data.kind = TokenizerKind::wordpiece;
  auto lines = lines_of(text);
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  data.pieces.assign(lines.begin(), lines.end());
  data.types.assign(data.pieces.size(), PieceType::normal);
  data.continuing_prefix = "##";
  data.pre_tokenizers.push_back(SplitBert{});
  data.decoder = {DecoderKind::wordpiece, false, true, "", "", false};
  const PieceIndex index(data.pieces);
  data.special.unk = index.find("[UNK]");
  data.special.cls = data.special.bos = index.find("[CLS]");
  data.special.sep = index.find("[SEP]");
  data.special.pad = index.find("[PAD]");
  data.special.mask = index.find("[MASK]");
  for (const auto& id :
       {data.special.pad, data.special.unk, data.special.cls, data.special.sep, data.special.mask}) {
    if (!id) continue;
    AddedToken token;
    token.text = data.pieces[*id];
    token.id = *id;
    token.is_special = true;
    data.added_tokens.push_back(std::move(token));
  }
  NormalizeBert normalizer;
  if (!tokenizer_config_json.empty()) {
    if (const auto config = try_parse_json(tokenizer_config_json); config && config->is_object()) {
      normalizer.lowercase = get_bool(config->get_object(), "do_lower_case").value_or(true);
      normalizer.space_cjk = get_bool(config->get_object(), "tokenize_chinese_chars").value_or(true);
      normalizer.strip_accents =
          get_bool(config->get_object(), "strip_accents").value_or(normalizer.lowercase);
    }
  }
  data.normalizers.push_back(normalizer);
  if (data.special.cls) data.prefix_ids = {*data.special.cls};
  if (data.special.sep) data.suffix_ids = {*data.special.sep};
  apply_tokenizer_config(data, tokenizer_config_json);
  check_tokenizer_data(data, "vocab.txt");
  return data;
}

TokenizerData read_tokenizer(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::exists(path, error)) throw NotFound(cat("tokenizer: ", path.string(), " does not exist"));
  const bool is_folder = fs::is_directory(path, error);
  const fs::path folder = is_folder ? path : path.parent_path();
  const auto beside = [&](std::string_view name) { return read_if_there(folder / name); };
  const auto finish = [&](TokenizerData data) {
    add_template_file(data, folder);
    return data;
  };
  const auto open = [&](const fs::path& file) -> std::optional<TokenizerData> {
    const std::string name = file.filename().string();
    if (!fs::is_regular_file(file, error)) return std::nullopt;
    if (name.ends_with(".gguf")) return read_gguf_tokenizer(GgufFile::open(file));
    if (name == "vocab.json" || name == "encoder.json") {
      const fs::path merges = folder / (name == "vocab.json" ? "merges.txt" : "vocab.bpe");
      const std::string config = beside("tokenizer_config.json");
      const std::string vocab = read_file(file, kMaxFileBytes);
      TokenizerData probe;
      read_vocab_json(probe, vocab);
      return finish(
          read_bpe_files(vocab, read_file(merges, kMaxFileBytes), pre_tokenizer_of(config, probe), config));
    }
    if (name.ends_with(".json")) {
      return finish(read_tokenizer_json(read_file(file, kMaxFileBytes), beside("tokenizer_config.json"),
                                        beside("special_tokens_map.json")));
    }
    if (name.ends_with(".model")) {
      return finish(
          read_sentencepiece_model(read_file(file, kMaxFileBytes), beside("tokenizer_config.json")));
    }
    if (name.ends_with(".tiktoken"))
      return read_tiktoken(read_file(file, kMaxFileBytes), file.stem().string());
    if (name.ends_with(".txt")) {
      return finish(read_wordpiece_vocab(read_file(file, kMaxFileBytes), beside("tokenizer_config.json")));
    }
    throw Unsupported(
        cat("tokenizer: ", path.string(), " is no *.gguf, *.json, *.model, *.tiktoken or vocab.txt"));
  };
  if (!is_folder) {
    if (auto data = open(path)) return std::move(*data);
    throw NotFound(cat("tokenizer: ", path.string(), " is not a file"));
  }
  for (const std::string_view name :
       {"tokenizer.json", "tokenizer.model", "vocab.json", "encoder.json", "vocab.txt"}) {
    if (auto data = open(path / name)) return std::move(*data);
  }
  throw NotFound(cat("tokenizer: ", path.string(),
                     " has no tokenizer.json, tokenizer.model, vocab.json, encoder.json or vocab.txt"));
}

}  // namespace quintet

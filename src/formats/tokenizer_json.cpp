#include <algorithm>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"
#include "formats/tokenizer_files.h"
#include "formats/tokenizer_json_steps.h"

namespace quintet {

namespace {

/// Ids are indices: a file may leave holes, but not name ids far beyond what it lists.
constexpr std::uint64_t kMaxHoles = 1U << 16;

std::string_view text_of(const Json& value) {
  return std::string_view(value.get_string());
}

/// Files are not the caller's argument: what parse_json calls an invalid argument is corrupt data here.
Json parse(std::string_view json, std::string_view what) {
  try {
    return parse_json(json, what);
  } catch (const InvalidArgument& error) {
    throw CorruptData(error.what());
  }
}

class TokenizerJsonReader {
 public:
  TokenizerData read(std::string_view json) {
    const Json root = parse(json, "tokenizer.json");
    if (!root.is_object()) throw CorruptData("tokenizer.json: not an object");
    const JsonObject& object = root.get_object();
    const JsonObject* model = get_object(object, "model");
    if (model == nullptr) throw CorruptData("tokenizer.json: \"model\" is missing");
    read_model_type(*model);
    read_vocab(*model);
    read_added_tokens(object);
    data_.types.resize(data_.pieces.size(), PieceType::normal);
    const PieceIndex index(data_.pieces);
    read_model(*model, index);
    if (const Json* part = object.if_contains("normalizer")) read_normalizer_json(*part, data_.normalizers);
    if (const Json* part = object.if_contains("pre_tokenizer"))
      read_pre_tokenizer_json(*part, data_.pre_tokenizers);
    if (const Json* part = object.if_contains("post_processor"))
      read_post_processor_json(*part, index, data_);
    if (const Json* part = object.if_contains("decoder")) read_decoder_json(*part, data_);
    if (data_.kind == TokenizerKind::wordpiece && data_.decoder.kind == DecoderKind::concatenate) {
      data_.decoder = {DecoderKind::wordpiece, false, true, "", "", false};
    }
    return std::move(data_);
  }

 private:
  void read_model_type(const JsonObject& model) {
    auto type = get_string(model, "type");
    if (!type) {  // old files leave it out
      type = model.contains("merges")                      ? "BPE"
             : model.contains("continuing_subword_prefix") ? "WordPiece"
                                                           : "Unigram";
    }
    if (*type == "BPE") {
      data_.kind = TokenizerKind::bpe;
    } else if (*type == "Unigram") {
      data_.kind = TokenizerKind::unigram;
    } else if (*type == "WordPiece") {
      data_.kind = TokenizerKind::wordpiece;
    } else {
      throw Unsupported(
          cat("tokenizer.json: a model of type \"", *type, "\"; known are BPE, Unigram and WordPiece"));
    }
  }

  /// Grows the vocabulary to hold `id`. `n_listed` bounds it, so that one huge id costs no memory.
  void place(std::string_view piece, const Json& id, std::size_t n_listed, std::string_view what) {
    if (!id.is_int64() || id.get_int64() < 0) {
      throw CorruptData(cat("tokenizer.json: the id of ", what, " \"", piece, "\" is not a whole number"));
    }
    const auto at = static_cast<std::uint64_t>(id.get_int64());
    if (at >= n_listed + kMaxHoles) {
      throw CorruptData(cat("tokenizer.json: ", what, " \"", piece, "\" has id ", at, ", but only ", n_listed,
                            " are listed"));
    }
    if (at >= data_.pieces.size()) data_.pieces.resize(static_cast<std::size_t>(at) + 1);
    std::string& slot = data_.pieces[static_cast<std::size_t>(at)];
    if (!slot.empty() && slot != piece) {
      throw CorruptData(cat("tokenizer.json: id ", at, " is both \"", slot, "\" and \"", piece, "\""));
    }
    slot = piece;
  }

  void read_vocab(const JsonObject& model) {
    const Json* vocab = model.if_contains("vocab");
    if (vocab == nullptr) throw CorruptData("tokenizer.json: model.vocab is missing");
    if (data_.kind == TokenizerKind::unigram) {
      if (!vocab->is_array()) throw CorruptData("tokenizer.json: model.vocab must be an array");
      for (const Json& entry : vocab->get_array()) {
        const JsonArray* pair = entry.if_array();
        if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_number()) {
          throw CorruptData(
              cat("tokenizer.json: entry ", data_.pieces.size(), " of model.vocab is no [piece, score]"));
        }
        data_.pieces.emplace_back(text_of((*pair)[0]));
        data_.scores.push_back((*pair)[1].to_number<double>());
      }
    } else {
      if (!vocab->is_object()) throw CorruptData("tokenizer.json: model.vocab must be an object");
      const JsonObject& entries = vocab->get_object();
      data_.pieces.reserve(entries.size());
      for (const auto& entry : entries) place(entry.key(), entry.value(), entries.size(), "the piece");
    }
    n_model_pieces_ = data_.pieces.size();
  }

  void read_added_tokens(const JsonObject& object) {
    const JsonArray* list = get_array(object, "added_tokens");
    if (list == nullptr) return;
    const std::size_t n_listed = data_.pieces.size() + list->size();
    for (const Json& item : *list) {
      const JsonObject* entry = item.if_object();
      const Json* id = entry == nullptr ? nullptr : entry->if_contains("id");
      if (id == nullptr) throw CorruptData("tokenizer.json: an added token without id");
      AddedToken token;
      token.text = require_string(*entry, "content");
      token.is_special = get_bool(*entry, "special").value_or(false);
      token.lstrip = get_bool(*entry, "lstrip").value_or(false);
      token.rstrip = get_bool(*entry, "rstrip").value_or(false);
      token.is_normalized = get_bool(*entry, "normalized").value_or(!token.is_special);
      token.is_single_word = get_bool(*entry, "single_word").value_or(false);
      const bool is_hole = id->is_int64() && id->get_int64() >= 0 &&
                           (static_cast<std::uint64_t>(id->get_int64()) >= data_.pieces.size() ||
                            data_.pieces[static_cast<std::size_t>(id->get_int64())].empty());
      place(token.text, *id, n_listed, "the added token");
      token.id = static_cast<TokenId>(id->get_int64());
      data_.types.resize(data_.pieces.size(), PieceType::normal);
      if (is_hole) data_.types[token.id] = PieceType::added;
      data_.added_tokens.push_back(std::move(token));
    }
    if (data_.kind == TokenizerKind::unigram) data_.scores.resize(data_.pieces.size(), 0.0);
  }

  void read_model(const JsonObject& model, const PieceIndex& index) {
    if (const auto unknown = get_string(model, "unk_token")) data_.special.unk = index.find(*unknown);
    data_.fuse_unknown = get_bool(model, "fuse_unk").value_or(false);
    data_.byte_fallback = get_bool(model, "byte_fallback").value_or(false);
    data_.ignore_merges = get_bool(model, "ignore_merges").value_or(false);
    data_.continuing_prefix = get_string(model, "continuing_subword_prefix").value_or("");
    data_.word_suffix = get_string(model, "end_of_word_suffix").value_or("");
    data_.scores_are_float = false;
    switch (data_.kind) {
      case TokenizerKind::bpe: read_merges(model, index); break;
      case TokenizerKind::unigram: {
        data_.fuse_unknown = true;
        const auto unknown = get_int(model, "unk_id");
        if (unknown && *unknown >= 0 && static_cast<std::uint64_t>(*unknown) < n_model_pieces_) {
          data_.special.unk = static_cast<TokenId>(*unknown);
        }
        break;
      }
      case TokenizerKind::wordpiece: {
        if (data_.continuing_prefix.empty()) data_.continuing_prefix = "##";
        const auto max = get_int(model, "max_input_chars_per_word").value_or(100);
        data_.max_word_characters = max < 0 ? 0 : static_cast<std::size_t>(max);
        if (!data_.special.unk) data_.special.unk = index.find("[UNK]");
        break;
      }
      case TokenizerKind::sentencepiece_bpe: break;
    }
  }

  void read_merges(const JsonObject& model, const PieceIndex& index) {
    const JsonArray* merges = get_array(model, "merges");
    if (merges == nullptr) throw CorruptData("tokenizer.json: model.merges is missing");
    data_.merges.reserve(merges->size());
    for (const Json& merge : *merges) {
      const std::size_t rank = data_.merges.size();
      if (const JsonArray* pair = merge.if_array()) {
        if (pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_string()) {
          throw CorruptData(cat("tokenizer.json: merge ", rank, " is no pair of texts"));
        }
        data_.merges.push_back(
            make_merge(index, text_of((*pair)[0]), text_of((*pair)[1]), rank, data_.continuing_prefix));
        continue;
      }
      if (!merge.is_string()) throw CorruptData(cat("tokenizer.json: merge ", rank, " is no text"));
      const std::string_view text = text_of(merge);
      const std::size_t blank = text.find(' ');
      if (blank == std::string_view::npos) {
        throw CorruptData(cat("tokenizer.json: merge ", rank, " \"", text, "\" has no blank"));
      }
      data_.merges.push_back(
          make_merge(index, text.substr(0, blank), text.substr(blank + 1), rank, data_.continuing_prefix));
    }
  }

  TokenizerData data_;
  std::size_t n_model_pieces_ = 0;
};

/// A special token's text: "…" or {"content": "…"}.
std::optional<std::string> token_text(const JsonObject& object, std::string_view key) {
  const Json* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_string()) return std::string(text_of(*value));
  if (const JsonObject* token = value->if_object()) return get_string(*token, "content");
  throw CorruptData(cat("tokenizer configuration: \"", key, "\" must be a text or an object"));
}

void add_token(TokenizerData& data, std::string_view id_text, const JsonObject& entry) {
  const auto id = parse_int(id_text);
  if (!id || *id < 0 || static_cast<std::uint64_t>(*id) >= data.pieces.size() + kMaxHoles) {
    throw CorruptData(cat("tokenizer configuration: added token with id \"", sanitize_utf8(id_text), "\""));
  }
  AddedToken token;
  token.id = static_cast<TokenId>(*id);
  token.text = require_string(entry, "content");
  token.is_special = get_bool(entry, "special").value_or(false);
  token.lstrip = get_bool(entry, "lstrip").value_or(false);
  token.rstrip = get_bool(entry, "rstrip").value_or(false);
  token.is_normalized = get_bool(entry, "normalized").value_or(!token.is_special);
  token.is_single_word = get_bool(entry, "single_word").value_or(false);
  if (token.id >= data.pieces.size()) {
    data.pieces.resize(token.id + std::size_t{1});
    data.types.resize(data.pieces.size(), PieceType::added);
    if (!data.scores.empty()) data.scores.resize(data.pieces.size(), 0.0);
  }
  if (data.pieces[token.id].empty()) {
    data.pieces[token.id] = token.text;
    data.types[token.id] = PieceType::added;
  }
  data.added_tokens.push_back(std::move(token));
}

void read_chat_template(TokenizerData& data, const JsonObject& object) {
  const Json* value = object.if_contains("chat_template");
  if (value == nullptr || value->is_null()) return;
  if (value->is_string()) {
    data.chat_template = text_of(*value);
    return;
  }
  const JsonArray* list = value->if_array();
  if (list == nullptr) throw CorruptData("tokenizer configuration: chat_template must be a text or a list");
  for (const Json& item : *list) {
    const JsonObject* entry = item.if_object();
    if (entry == nullptr)
      throw CorruptData("tokenizer configuration: an entry of chat_template is no object");
    std::string name = require_string(*entry, "name");
    std::string source = require_string(*entry, "template");
    if (name == "default") {
      data.chat_template = std::move(source);
    } else {
      data.named_chat_templates.emplace_back(std::move(name), std::move(source));
    }
  }
}

void apply_config(TokenizerData& data, const JsonObject& object) {
  if (const JsonObject* added = get_object(object, "added_tokens_decoder")) {
    for (const auto& entry : *added) {
      const JsonObject* token = entry.value().if_object();
      if (token == nullptr) throw CorruptData("tokenizer configuration: an added token is no object");
      const std::string text = require_string(*token, "content");
      const bool is_known = std::any_of(data.added_tokens.begin(), data.added_tokens.end(),
                                        [&](const AddedToken& known) { return known.text == text; });
      if (!is_known) add_token(data, entry.key(), *token);
    }
  }
  const PieceIndex index(data.pieces);
  const std::pair<std::string_view, std::optional<TokenId>*> names[] = {
      {"bos_token", &data.special.bos},   {"eos_token", &data.special.eos}, {"unk_token", &data.special.unk},
      {"sep_token", &data.special.sep},   {"pad_token", &data.special.pad}, {"cls_token", &data.special.cls},
      {"mask_token", &data.special.mask}, {"eot_token", &data.special.eot}};
  for (const auto& [name, id] : names) {
    const auto text = token_text(object, name);
    if (!text) continue;
    if (const auto found = index.find(*text)) *id = *found;
  }
  if (!data.special.eot) {
    for (const std::string_view text : {"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>"}) {
      if (!data.special.eot) data.special.eot = index.find(text);
    }
  }
  read_chat_template(data, object);
}

/// add_bos_token and add_eos_token decide where nothing else in the files does.
void apply_borders(TokenizerData& data, const JsonObject& object) {
  const auto add_bos = get_bool(object, "add_bos_token");
  const auto add_eos = get_bool(object, "add_eos_token");
  if (data.prefix_ids.empty() && add_bos.value_or(false) && data.special.bos)
    data.prefix_ids = {*data.special.bos};
  if (data.suffix_ids.empty() && add_eos.value_or(false) && data.special.eos)
    data.suffix_ids = {*data.special.eos};
}

}  // namespace

void apply_tokenizer_config(TokenizerData& data, std::string_view json) {
  if (json.empty()) return;
  const Json root = parse(json, "tokenizer configuration");
  if (!root.is_object()) throw CorruptData("tokenizer configuration: not an object");
  try {
    apply_config(data, root.get_object());
    apply_borders(data, root.get_object());
  } catch (const InvalidArgument& error) {
    throw CorruptData(cat("tokenizer configuration: ", error.what()));
  }
}

void apply_chat_templates(TokenizerData& data, std::string_view json) {
  if (json.empty()) return;
  const Json root = parse(json, "chat templates");
  if (!root.is_object()) throw CorruptData("chat templates: not an object");
  try {
    read_chat_template(data, root.get_object());
  } catch (const InvalidArgument& error) {
    throw CorruptData(cat("chat templates: ", error.what()));
  }
}

TokenizerData read_tokenizer_json(std::string_view json, std::string_view tokenizer_config_json,
                                  std::string_view special_tokens_map_json) {
  TokenizerData data;
  try {
    data = TokenizerJsonReader().read(json);
  } catch (const InvalidArgument& error) {
    throw CorruptData(cat("tokenizer.json: ", error.what()));
  }
  const bool has_template = !data.prefix_ids.empty() || !data.suffix_ids.empty();
  const auto prefix = data.prefix_ids;
  const auto suffix = data.suffix_ids;
  apply_tokenizer_config(data, special_tokens_map_json);
  apply_tokenizer_config(data, tokenizer_config_json);
  // tokenizer.json is what the original runs; its post-processor, when it has one, is the last word.
  if (has_template) {
    data.prefix_ids = prefix;
    data.suffix_ids = suffix;
  }
  check_tokenizer_data(data, "tokenizer.json");
  return data;
}

}  // namespace quintet

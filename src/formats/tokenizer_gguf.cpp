#include <algorithm>
#include <cstring>
#include <string>

#include "core/error.h"
#include "core/text.h"
#include "formats/tokenizer_files.h"
#include "formats/tokenizer_json_steps.h"

namespace quintet {

namespace {

constexpr std::string_view kMark = "\u2581";

class GgufTokenizerReader {
 public:
  explicit GgufTokenizerReader(const GgufFile& file) : file_(file) {}

  TokenizerData read() {
    const auto model = file_.text("tokenizer.ggml.model");
    if (!model) throw CorruptData("GGUF tokenizer: tokenizer.ggml.model is missing");
    read_pieces();
    if (*model == "llama") {
      read_sentencepiece(TokenizerKind::sentencepiece_bpe);
    } else if (*model == "t5") {
      read_sentencepiece(TokenizerKind::unigram);
    } else if (*model == "gpt2" || *model == "gemma4") {
      read_bpe(*model);
    } else if (*model == "bert") {
      read_wordpiece();
    } else {
      throw Unsupported(cat("GGUF tokenizer: model \"", sanitize_utf8(*model),
                            "\" is unknown; known are gpt2, llama, t5, bert and gemma4"));
    }
    read_special_ids();
    make_added_tokens();
    read_templates();
    check_tokenizer_data(data_, "GGUF tokenizer");
    return std::move(data_);
  }

 private:
  void read_pieces() {
    const auto tokens = file_.texts("tokenizer.ggml.tokens");
    if (!tokens || tokens->empty())
      throw CorruptData("GGUF tokenizer: tokenizer.ggml.tokens is missing or empty");
    data_.pieces.reserve(tokens->size());
    for (const std::string_view token : *tokens) data_.pieces.emplace_back(token);
    const std::size_t n = data_.pieces.size();
    data_.types.assign(n, PieceType::normal);
    if (const auto types = file_.integers("tokenizer.ggml.token_type")) {
      if (types->size() < n) {
        throw CorruptData(cat("GGUF tokenizer: ", types->size(), " token types for ", n, " tokens"));
      }
      for (std::size_t i = 0; i < n; ++i) {
        if ((*types)[i] >= 1 && (*types)[i] <= 6) data_.types[i] = static_cast<PieceType>((*types)[i]);
      }
    }
    if (const auto scores = file_.numbers("tokenizer.ggml.scores")) {
      if (scores->size() < n)
        throw CorruptData(cat("GGUF tokenizer: ", scores->size(), " scores for ", n, " tokens"));
      data_.scores.assign(scores->begin(), scores->begin() + static_cast<std::ptrdiff_t>(n));
    }
  }

  void read_sentencepiece(TokenizerKind kind) {
    data_.kind = kind;
    if (data_.scores.empty()) data_.scores.assign(data_.pieces.size(), 0.0);
    // Where all 256 byte pieces are there.
    data_.byte_fallback = file_.boolean("quintet.tokenizer.byte_fallback").value_or(true);
    NormalizeSentencePiece normalizer;
    const bool is_unigram = kind == TokenizerKind::unigram;
    normalizer.add_dummy_prefix = file_.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
    normalizer.remove_extra_whitespaces =
        file_.boolean("tokenizer.ggml.remove_extra_whitespaces").value_or(false);
    if (is_unigram) {
      normalizer.charsmap = charsmap();
      data_.special = {.bos = {}, .eos = 1, .unk = 2, .sep = {}, .pad = 0, .cls = {}, .mask = {}, .eot = {}};
      add_eos_ = true;
    } else {
      data_.special = {.bos = 1, .eos = 2, .unk = 0, .sep = {}, .pad = {}, .cls = {}, .mask = {}, .eot = {}};
      add_bos_ = true;
    }
    data_.decoder = {DecoderKind::sentencepiece, normalizer.add_dummy_prefix, false, "", "", false};
    if (is_unigram && file_.find("quintet.tokenizer.pre_tokenizer") != nullptr) {
      read_json_steps();
    } else if (const auto scheme = file_.text("quintet.tokenizer.metaspace")) {
      read_metaspace(*scheme);
    } else {
      data_.normalizers.push_back(std::move(normalizer));
    }
    data_.decoder.unknown_text = file_.text("quintet.tokenizer.unknown_text").value_or("");
    data_.decoder.strip_all_leading = file_.boolean("quintet.tokenizer.strip_all_leading").value_or(false);
    find_unknown();
    // As tokenizer_gguf_writer.h has it: the merges say exactly what the scores say nearly.
    if (!is_unigram && file_.boolean("quintet.tokenizer.merges_decide").value_or(false)) {
      data_.kind = TokenizerKind::bpe;
      data_.fuse_unknown = file_.boolean("quintet.tokenizer.fuse_unknown").value_or(true);
      read_merges();
    }
  }

  /// As tokenizer_gguf_writer.h has it.
  void read_metaspace(std::string_view scheme) {
    SplitMetaspace step;
    step.split = file_.boolean("quintet.tokenizer.metaspace_split").value_or(true);
    if (scheme == "first") {
      step.prepend = PrependScheme::first;
    } else if (scheme == "never") {
      step.prepend = PrependScheme::never;
    } else if (scheme != "always") {
      throw CorruptData(
          cat("GGUF tokenizer: quintet.tokenizer.metaspace is \"", sanitize_utf8(scheme), "\""));
    }
    data_.pre_tokenizers.push_back(std::move(step));
  }

  /// A unigram tokenizer of the library "tokenizers", as tokenizer_gguf_writer.h has it.
  void read_json_steps() {
    data_.scores_are_float = false;
    const auto parse = [this](std::string_view key) {
      return parse_json(file_.text(key).value_or("null"), cat("GGUF tokenizer: ", key));
    };
    try {
      Json normalizer = parse("quintet.tokenizer.normalizer");
      put_charsmap(normalizer);
      read_normalizer_json(normalizer, data_.normalizers);
      read_pre_tokenizer_json(parse("quintet.tokenizer.pre_tokenizer"), data_.pre_tokenizers);
    } catch (const InvalidArgument& error) {
      throw CorruptData(error.what());
    }
    read_exact_scores();
  }

  /// The charsmap stands once in the file, outside the steps.
  void put_charsmap(Json& normalizer) const {
    JsonObject* object = normalizer.if_object();
    if (object == nullptr) return;
    if (get_string(*object, "type") == "Precompiled")
      (*object)["precompiled_charsmap"] = base64_encode(charsmap());
    if (Json* list = object->if_contains("normalizers"); list != nullptr && list->is_array())
      for (Json& step : list->get_array()) put_charsmap(step);
  }

  void read_exact_scores() {
    const GgufEntry* entry = file_.find("quintet.tokenizer.scores");
    if (entry == nullptr) return;
    const auto* array = std::get_if<GgufArray>(&entry->value);
    if (array == nullptr || array->element_type != GgufType::f64 || array->n > data_.scores.size())
      throw CorruptData("GGUF tokenizer: quintet.tokenizer.scores must be doubles, at most one a token");
    std::memcpy(data_.scores.data(), array->bytes.data(), array->bytes.size());
  }

  std::string charsmap() const {
    const GgufEntry* entry = file_.find("tokenizer.ggml.precompiled_charsmap");
    if (entry == nullptr) return "";
    const auto* array = std::get_if<GgufArray>(&entry->value);
    if (array == nullptr || (array->element_type != GgufType::i8 && array->element_type != GgufType::u8)) {
      throw CorruptData("GGUF tokenizer: tokenizer.ggml.precompiled_charsmap must be an array of bytes");
    }
    return {reinterpret_cast<const char*>(array->bytes.data()), array->bytes.size()};
  }

  void read_bpe(std::string_view model) {
    data_.kind = TokenizerKind::bpe;
    const auto name =
        model == "gemma4" ? std::string_view("gemma4") : file_.text("tokenizer.ggml.pre").value_or("default");
    data_.pre_tokenizer_name = name;
    KnownPreTokenizer known = known_pre_tokenizer(name);
    data_.pre_tokenizers = std::move(known.steps);
    data_.ignore_merges = known.ignore_merges;
    add_bos_ = known.add_bos;
    if (known.is_character_level) {
      data_.byte_fallback = true;
      data_.decoder.kind = DecoderKind::sentencepiece;
      data_.normalizers.push_back(NormalizeReplace{" ", false, std::string(kMark)});
    } else {
      data_.decoder.kind = DecoderKind::byte_level;
      if (known.is_nfc) data_.normalizers.push_back(NormalizeUnicode{UnicodeForm::nfc});
      // A blank before the text is asked for by some files of the GPT-2 family.
      if (file_.boolean("tokenizer.ggml.add_space_prefix").value_or(false)) {
        data_.normalizers.push_back(NormalizePrepend{" "});
      }
    }
    read_merges();
    // llama.cpp's defaults where a file names no ids.
    if (const auto id = TokenId{11}; data_.pieces.size() > id) data_.special.bos = data_.special.eos = id;
  }

  void read_merges() {
    const auto merges = file_.texts("tokenizer.ggml.merges");
    if (!merges) throw CorruptData("GGUF tokenizer: tokenizer.ggml.merges is missing");
    const PieceIndex index(data_.pieces);
    data_.merges.reserve(merges->size());
    for (std::size_t i = 0; i < merges->size(); ++i) {
      const std::string_view merge = (*merges)[i];
      const std::size_t blank = merge.find(' ', 1);
      if (blank == std::string_view::npos) {
        throw CorruptData(cat("GGUF tokenizer: merge ", i, " \"", sanitize_utf8(merge), "\" has no blank"));
      }
      data_.merges.push_back(make_merge(index, merge.substr(0, blank), merge.substr(blank + 1), i));
    }
  }

  void read_wordpiece() {
    data_.kind = TokenizerKind::wordpiece;
    data_.continuing_prefix = "##";
    data_.special = {
        .bos = 101, .eos = {}, .unk = 100, .sep = 102, .pad = 0, .cls = 101, .mask = 103, .eot = {}};
    for (std::optional<TokenId>* id : {&data_.special.bos, &data_.special.unk, &data_.special.sep,
                                       &data_.special.cls, &data_.special.mask}) {
      if (**id >= data_.pieces.size()) id->reset();
    }
    find_unknown();
    // In GGUF "▁word" starts a word and "ing" continues one; BERT's files have "word" and "##ing".
    for (std::size_t id = 0; id < data_.pieces.size(); ++id) {
      std::string& piece = data_.pieces[id];
      if (data_.types[id] != PieceType::normal && data_.types[id] != PieceType::unused) continue;
      if (piece.starts_with(kMark)) {
        piece.erase(0, kMark.size());
      } else if (!(piece.starts_with('[') && piece.ends_with(']') && piece.size() > 2)) {
        piece.insert(0, "##");
      }
    }
    NormalizeBert normalizer;
    normalizer.lowercase = file_.boolean("tokenizer.ggml.normalizer.lowercase").value_or(true);
    normalizer.strip_accents =
        file_.boolean("tokenizer.ggml.normalizer.strip_accents").value_or(normalizer.lowercase);
    data_.normalizers.push_back(normalizer);
    data_.pre_tokenizers.push_back(SplitBert{});
    data_.decoder = {DecoderKind::wordpiece, false, true, "", "", false};
    add_bos_ = true;
    add_sep_ = true;
  }

  void find_unknown() {
    for (std::size_t id = 0; id < data_.types.size(); ++id) {
      if (data_.types[id] == PieceType::unknown) {
        data_.special.unk = static_cast<TokenId>(id);
        return;
      }
    }
  }

  void read_special_ids() {
    const std::pair<std::string_view, std::optional<TokenId>*> keys[] = {
        {"tokenizer.ggml.bos_token_id", &data_.special.bos},
        {"tokenizer.ggml.eos_token_id", &data_.special.eos},
        {"tokenizer.ggml.unknown_token_id", &data_.special.unk},
        {"tokenizer.ggml.seperator_token_id", &data_.special.sep},  // spelled so in the format
        {"tokenizer.ggml.padding_token_id", &data_.special.pad},
        {"tokenizer.ggml.cls_token_id", &data_.special.cls},
        {"tokenizer.ggml.mask_token_id", &data_.special.mask},
        {"tokenizer.ggml.eot_token_id", &data_.special.eot}};
    for (const auto& [key, id] : keys) {
      const auto value = file_.integer(key);
      // Files in the wild name ids beyond their vocabulary; the default stays then.
      if (value && *value >= 0 && static_cast<std::uint64_t>(*value) < data_.pieces.size()) {
        *id = static_cast<TokenId>(*value);
      }
      if (*id && **id >= data_.pieces.size()) id->reset();
    }
    if (!data_.special.eot) find_end_of_turn();
    add_bos_ = file_.boolean("tokenizer.ggml.add_bos_token").value_or(add_bos_);
    add_eos_ = file_.boolean("tokenizer.ggml.add_eos_token").value_or(add_eos_);
    add_sep_ = file_.boolean("tokenizer.ggml.add_sep_token").value_or(add_sep_);
    if (add_bos_ && data_.special.bos) data_.prefix_ids.push_back(*data_.special.bos);
    if (add_eos_ && data_.special.eos) data_.suffix_ids.push_back(*data_.special.eos);
    if (add_sep_ && data_.special.sep) data_.suffix_ids.push_back(*data_.special.sep);
  }

  void find_end_of_turn() {
    const PieceIndex index(data_.pieces);
    for (const std::string_view text : {"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<turn|>",
                                        "<EOT>", "[EOT]", "<end_of_utterance>", "<|END_OF_TURN_TOKEN|>"}) {
      if (const auto id = index.find(text)) {
        data_.special.eot = *id;
        if (data_.types[*id] == PieceType::normal) data_.types[*id] = PieceType::control;
        return;
      }
    }
  }

  void make_added_tokens() {
    const bool pieces_stay = file_.boolean("quintet.tokenizer.user_defined_are_pieces").value_or(false);
    for (std::size_t id = 0; id < data_.pieces.size(); ++id) {
      const PieceType type = data_.types[id];
      const bool is_special = type == PieceType::control || type == PieceType::unknown;
      if (!is_special && (type != PieceType::user_defined || pieces_stay)) continue;
      AddedToken token;
      token.text = data_.pieces[id];
      token.id = static_cast<TokenId>(id);
      token.is_special = is_special;
      if (!data_.scores_are_float) data_.types[id] = PieceType::added;
      data_.added_tokens.push_back(std::move(token));
    }
    if (file_.find("quintet.tokenizer.added_flags") != nullptr) {
      read_added_flags();
    } else {
      apply_stripping();
    }
  }

  /// As tokenizer_gguf_writer.h has them.
  void read_added_flags() {
    const auto ids = file_.integers("quintet.tokenizer.added_ids");
    const auto flags = file_.integers("quintet.tokenizer.added_flags");
    if (!ids || !flags || ids->size() != flags->size())
      throw CorruptData("GGUF tokenizer: quintet.tokenizer.added_ids and added_flags don't go together");
    std::vector<std::uint8_t> flags_of(data_.pieces.size());
    for (std::size_t i = 0; i < ids->size(); ++i) {
      const auto id = static_cast<std::uint64_t>((*ids)[i]);
      if (id >= flags_of.size())
        throw CorruptData(cat("GGUF tokenizer: quintet.tokenizer.added_ids names the token ", id));
      flags_of[id] = static_cast<std::uint8_t>((*flags)[i]);
    }
    for (AddedToken& token : data_.added_tokens) {
      const std::uint8_t flags_here = flags_of[token.id];
      token.lstrip = (flags_here & 1u) != 0;
      token.rstrip = (flags_here & 2u) != 0;
      token.is_normalized = (flags_here & 4u) != 0;
      token.is_single_word = (flags_here & 8u) != 0;
      if (!data_.scores_are_float && (flags_here & 16u) != 0) data_.types[token.id] = PieceType::normal;
    }
  }

  /// GGUF has no place for what a token does to the white space around it; these are the models whose own
  /// files say so.
  void apply_stripping() {
    const std::string name = ascii_lower(file_.text("general.name").value_or(""));
    const bool is_phi3 = name.find("phi-3") != std::string::npos || name.find("phi3") != std::string::npos;
    const std::string_view pre = data_.pre_tokenizer_name;
    for (AddedToken& token : data_.added_tokens) {
      if (is_phi3 && token.text != "<unk>" && token.text != "<s>" && token.text != "<|endoftext|>")
        token.rstrip = true;
      if (token.text == "<mask>" && pre.starts_with("jina-v2-")) token.lstrip = true;
      if (token.text == "[MASK]" && pre == "modern-bert") token.lstrip = true;
    }
  }

  void read_templates() {
    constexpr std::string_view kKey = "tokenizer.chat_template";
    data_.chat_template = file_.text(kKey).value_or("");
    for (const GgufEntry& entry : file_.metadata()) {
      if (entry.key.size() <= kKey.size() + 1 || !entry.key.starts_with(kKey) ||
          entry.key[kKey.size()] != '.')
        continue;
      if (const auto* text = std::get_if<std::string_view>(&entry.value)) {
        data_.named_chat_templates.emplace_back(entry.key.substr(kKey.size() + 1), *text);
      }
    }
  }

  const GgufFile& file_;
  TokenizerData data_;
  bool add_bos_ = false;
  bool add_eos_ = false;
  bool add_sep_ = false;
};

}  // namespace

TokenizerData read_gguf_tokenizer(const GgufFile& file) {
  return read_unchanged(file, [&] { return GgufTokenizerReader(file).read(); });
}

}  // namespace quintet

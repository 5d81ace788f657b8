#include "formats/tokenizer_json_steps.h"

#include <string>
#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace quintet {

namespace {

const JsonObject& object_of(const Json& value, std::string_view what) {
  if (!value.is_object()) throw CorruptData(cat("tokenizer.json: ", what, " must be an object"));
  return value.get_object();
}

std::string type_of(const JsonObject& object, std::string_view what) {
  const Json* type = object.if_contains("type");
  if (type == nullptr || !type->is_string()) throw CorruptData(cat("tokenizer.json: ", what, " has no type"));
  return std::string(type->get_string());
}

[[noreturn]] void unknown_type(std::string_view what, std::string_view type) {
  throw Unsupported(cat("tokenizer.json: ", what, " of type \"", type, "\" is not supported"));
}

std::string text_member(const JsonObject& object, std::string_view key, std::string_view otherwise = "") {
  return get_string(object, key).value_or(std::string(otherwise));
}
bool flag_member(const JsonObject& object, std::string_view key, bool otherwise) {
  return get_bool(object, key).value_or(otherwise);
}

/// {"String": "x"} or {"Regex": "x"}.
std::pair<std::string, bool> pattern_of(const JsonObject& object, std::string_view what) {
  const JsonObject* pattern = get_object(object, "pattern");
  if (pattern == nullptr) throw CorruptData(cat("tokenizer.json: ", what, " has no pattern"));
  if (auto text = get_string(*pattern, "String")) return {std::move(*text), false};
  if (auto text = get_string(*pattern, "Regex")) return {std::move(*text), true};
  throw CorruptData(cat("tokenizer.json: the pattern of ", what, " is neither String nor Regex"));
}

SplitBehavior behavior_of(const JsonObject& object, SplitBehavior otherwise) {
  const auto name = get_string(object, "behavior");
  if (!name) return otherwise;
  if (*name == "Removed") return SplitBehavior::removed;
  if (*name == "Isolated") return SplitBehavior::isolated;
  if (*name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (*name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (*name == "Contiguous") return SplitBehavior::contiguous;
  throw CorruptData(cat("tokenizer.json: split behavior \"", *name, "\""));
}

PrependScheme prepend_scheme_of(const JsonObject& object) {
  const auto name = get_string(object, "prepend_scheme");
  if (!name)
    return flag_member(object, "add_prefix_space", true) ? PrependScheme::always : PrependScheme::never;
  if (*name == "always") return PrependScheme::always;
  if (*name == "first") return PrependScheme::first;
  if (*name == "never") return PrependScheme::never;
  throw CorruptData(cat("tokenizer.json: prepend_scheme \"", *name, "\""));
}

const JsonArray& list_of(const JsonObject& object, std::string_view key, std::string_view what) {
  const JsonArray* list = get_array(object, key);
  if (list == nullptr) throw CorruptData(cat("tokenizer.json: ", what, " has no \"", key, "\""));
  return *list;
}

}  // namespace

void read_normalizer_json(const Json& value, std::vector<NormalizerStep>& out) {
  if (value.is_null()) return;
  const JsonObject& object = object_of(value, "normalizer");
  const std::string type = type_of(object, "normalizer");
  if (type == "Sequence") {
    for (const Json& step : list_of(object, "normalizers", "the sequence of normalizers"))
      read_normalizer_json(step, out);
  } else if (type == "NFC") {
    out.emplace_back(NormalizeUnicode{UnicodeForm::nfc});
  } else if (type == "NFD") {
    out.emplace_back(NormalizeUnicode{UnicodeForm::nfd});
  } else if (type == "NFKC") {
    out.emplace_back(NormalizeUnicode{UnicodeForm::nfkc});
  } else if (type == "NFKD") {
    out.emplace_back(NormalizeUnicode{UnicodeForm::nfkd});
  } else if (type == "Lowercase") {
    out.emplace_back(NormalizeLowercase{});
  } else if (type == "StripAccents") {
    out.emplace_back(NormalizeStripAccents{});
  } else if (type == "Prepend") {
    out.emplace_back(NormalizePrepend{text_member(object, "prepend")});
  } else if (type == "Strip") {
    out.emplace_back(
        NormalizeStrip{flag_member(object, "strip_left", true), flag_member(object, "strip_right", true)});
  } else if (type == "Replace") {
    auto [pattern, is_regex] = pattern_of(object, "a Replace normalizer");
    out.emplace_back(NormalizeReplace{std::move(pattern), is_regex, text_member(object, "content")});
  } else if (type == "BertNormalizer") {
    NormalizeBert step;
    step.clean_text = flag_member(object, "clean_text", true);
    step.space_cjk = flag_member(object, "handle_chinese_chars", true);
    step.lowercase = flag_member(object, "lowercase", true);
    step.strip_accents = flag_member(object, "strip_accents", step.lowercase);
    out.emplace_back(step);
  } else if (type == "Precompiled") {
    auto charsmap = base64_decode(text_member(object, "precompiled_charsmap"));
    if (!charsmap) throw CorruptData("tokenizer.json: precompiled_charsmap is not base64");
    if (!charsmap->empty()) out.emplace_back(NormalizeCharsmap{std::move(*charsmap)});
  } else {
    unknown_type("a normalizer", type);
  }
}

void read_pre_tokenizer_json(const Json& value, std::vector<PreTokenizerStep>& out) {
  if (value.is_null()) return;
  const JsonObject& object = object_of(value, "pre_tokenizer");
  const std::string type = type_of(object, "pre_tokenizer");
  if (type == "Sequence") {
    for (const Json& step : list_of(object, "pretokenizers", "the sequence of pre-tokenizers")) {
      read_pre_tokenizer_json(step, out);
    }
  } else if (type == "ByteLevel") {
    out.emplace_back(SplitByteLevel{flag_member(object, "add_prefix_space", true),
                                    flag_member(object, "use_regex", true)});
  } else if (type == "Split") {
    auto [pattern, is_regex] = pattern_of(object, "a Split pre-tokenizer");
    out.emplace_back(SplitPattern{std::move(pattern), is_regex, behavior_of(object, SplitBehavior::isolated),
                                  flag_member(object, "invert", false)});
  } else if (type == "CharDelimiterSplit") {
    out.emplace_back(SplitPattern{text_member(object, "delimiter"), false, SplitBehavior::removed, false});
  } else if (type == "Digits") {
    out.emplace_back(SplitDigits{flag_member(object, "individual_digits", false)});
  } else if (type == "Punctuation") {
    out.emplace_back(SplitPunctuation{behavior_of(object, SplitBehavior::isolated)});
  } else if (type == "Whitespace") {
    out.emplace_back(SplitWordsAndSymbols{});
  } else if (type == "WhitespaceSplit") {
    out.emplace_back(SplitWhitespace{});
  } else if (type == "BertPreTokenizer") {
    out.emplace_back(SplitBert{});
  } else if (type == "Metaspace") {
    SplitMetaspace step;
    step.replacement = text_member(object, "replacement", step.replacement);
    step.prepend = prepend_scheme_of(object);
    step.split = flag_member(object, "split", true);
    if (step.replacement.empty()) throw CorruptData("tokenizer.json: Metaspace with an empty replacement");
    out.emplace_back(std::move(step));
  } else {
    unknown_type("a pre-tokenizer", type);
  }
}

void read_decoder_json(const Json& value, TokenizerData& data) {
  if (value.is_null()) return;
  const JsonObject& object = object_of(value, "decoder");
  const std::string type = type_of(object, "decoder");
  if (type == "Sequence") {
    for (const Json& step : list_of(object, "decoders", "the sequence of decoders"))
      read_decoder_json(step, data);
  } else if (type == "ByteLevel") {
    data.decoder.kind = DecoderKind::byte_level;
  } else if (type == "Metaspace") {
    data.decoder.kind = DecoderKind::sentencepiece;
    data.decoder.strip_leading_space = prepend_scheme_of(object) != PrependScheme::never;
  } else if (type == "WordPiece") {
    data.decoder.kind = DecoderKind::wordpiece;
    data.decoder.clean_up = flag_member(object, "cleanup", true);
    data.continuing_prefix = text_member(object, "prefix", "##");
  } else if (type == "BPEDecoder") {
    data.decoder.kind = DecoderKind::word_suffix;
    data.decoder.word_suffix = text_member(object, "suffix", "</w>");
  } else if (type == "ByteFallback") {
    data.decoder.kind = DecoderKind::sentencepiece;
  } else if (type == "Replace") {
    const auto [pattern, is_regex] = pattern_of(object, "a Replace decoder");
    if (is_regex || pattern != "\u2581" || text_member(object, "content") != " ") {
      throw Unsupported(cat("tokenizer.json: a decoder that replaces \"", pattern, "\""));
    }
    data.decoder.kind = DecoderKind::sentencepiece;
  } else if (type == "Strip") {
    if (text_member(object, "content") == " " && get_int(object, "start").value_or(0) == 1) {
      data.decoder.strip_leading_space = true;
    }
  } else if (type != "Fuse") {
    unknown_type("a decoder", type);
  }
}

void read_post_processor_json(const Json& value, const PieceIndex& index, TokenizerData& data) {
  if (value.is_null()) return;
  const JsonObject& object = object_of(value, "post_processor");
  const std::string type = type_of(object, "post_processor");
  if (type == "Sequence") {
    for (const Json& step : list_of(object, "processors", "the sequence of post-processors")) {
      read_post_processor_json(step, index, data);
    }
  } else if (type == "TemplateProcessing") {
    const JsonObject* known = get_object(object, "special_tokens");
    bool is_before = true;
    for (const Json& item : list_of(object, "single", "the template")) {
      const JsonObject& piece = object_of(item, "a part of the template");
      if (get_object(piece, "Sequence") != nullptr) {
        is_before = false;
        continue;
      }
      const JsonObject* special = get_object(piece, "SpecialToken");
      if (special == nullptr)
        throw CorruptData("tokenizer.json: a part of the template is neither Sequence nor SpecialToken");
      const std::string name = require_string(*special, "id");
      auto& ids = is_before ? data.prefix_ids : data.suffix_ids;
      const JsonObject* token = known == nullptr ? nullptr : get_object(*known, name);
      const JsonArray* listed = token == nullptr ? nullptr : get_array(*token, "ids");
      if (listed == nullptr)
        throw CorruptData(cat("tokenizer.json: the template's token \"", name, "\" is not listed"));
      for (const Json& id : *listed) {
        if (!id.is_int64() || id.get_int64() < 0 || id.get_int64() > 0x7FFFFFFF) {
          throw CorruptData(cat("tokenizer.json: an id of the template's token \"", name, "\""));
        }
        ids.push_back(static_cast<TokenId>(id.get_int64()));
      }
    }
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    for (const auto& [key, ids] : {std::pair{"cls", &data.prefix_ids}, std::pair{"sep", &data.suffix_ids}}) {
      const JsonArray& pair = list_of(object, key, type);
      if (pair.size() != 2 || !pair[0].is_string())
        throw CorruptData(cat("tokenizer.json: \"", key, "\" of ", type));
      const auto id = index.find(std::string_view(pair[0].get_string()));
      if (!id)
        throw CorruptData(
            cat("tokenizer.json: the token \"", std::string_view(pair[0].get_string()), "\" of ", type));
      ids->push_back(*id);
    }
  } else if (type != "ByteLevel") {
    unknown_type("a post-processor", type);
  }
}

}  // namespace quintet

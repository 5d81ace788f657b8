#include "formats/tokenizer_writer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "core/text.h"
#include "formats/tokenizer_json_steps.h"

namespace quintet {

namespace {

JsonObject pattern_json(const std::string& pattern, bool is_regex) {
  return JsonObject{{is_regex ? "Regex" : "String", pattern}};
}

std::string_view name_of(SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::removed: return "Removed";
    case SplitBehavior::isolated: return "Isolated";
    case SplitBehavior::merged_with_previous: return "MergedWithPrevious";
    case SplitBehavior::merged_with_next: return "MergedWithNext";
    case SplitBehavior::contiguous: return "Contiguous";
  }
  return "";
}

std::string_view name_of(PrependScheme scheme) {
  switch (scheme) {
    case PrependScheme::always: return "always";
    case PrependScheme::first: return "first";
    case PrependScheme::never: return "never";
  }
  return "";
}

struct NormalizerWriter {
  Json operator()(const NormalizeUnicode& step) const {
    constexpr std::string_view kNames[] = {"NFC", "NFD", "NFKC", "NFKD"};
    return JsonObject{{"type", kNames[static_cast<std::size_t>(step.form)]}};
  }
  Json operator()(const NormalizeLowercase&) const { return JsonObject{{"type", "Lowercase"}}; }
  Json operator()(const NormalizeStripAccents&) const { return JsonObject{{"type", "StripAccents"}}; }
  Json operator()(const NormalizePrepend& step) const {
    return JsonObject{{"type", "Prepend"}, {"prepend", step.content}};
  }
  Json operator()(const NormalizeReplace& step) const {
    return JsonObject{{"type", "Replace"},
                      {"pattern", pattern_json(step.pattern, step.is_regex)},
                      {"content", step.content}};
  }
  Json operator()(const NormalizeStrip& step) const {
    return JsonObject{{"type", "Strip"}, {"strip_left", step.left}, {"strip_right", step.right}};
  }
  Json operator()(const NormalizeBert& step) const {
    return JsonObject{{"type", "BertNormalizer"},
                      {"clean_text", step.clean_text},
                      {"handle_chinese_chars", step.space_cjk},
                      {"strip_accents", step.strip_accents},
                      {"lowercase", step.lowercase}};
  }
  Json operator()(const NormalizeCharsmap& step) const {
    return JsonObject{{"type", "Precompiled"}, {"precompiled_charsmap", base64_encode(step.charsmap)}};
  }
  Json operator()(const NormalizeSentencePiece&) const {
    throw Unsupported("tokenizer.json: SentencePiece's normaliser cannot be written");
  }
};

struct PreTokenizerWriter {
  Json operator()(const SplitByteLevel& step) const {
    return JsonObject{{"type", "ByteLevel"},
                      {"add_prefix_space", step.add_prefix_space},
                      {"trim_offsets", true},
                      {"use_regex", step.use_regex}};
  }
  Json operator()(const SplitPattern& step) const {
    return JsonObject{{"type", "Split"},
                      {"pattern", pattern_json(step.pattern, step.is_regex)},
                      {"behavior", name_of(step.behavior)},
                      {"invert", step.invert}};
  }
  Json operator()(const SplitDigits& step) const {
    return JsonObject{{"type", "Digits"}, {"individual_digits", step.individual}};
  }
  Json operator()(const SplitPunctuation& step) const {
    return JsonObject{{"type", "Punctuation"}, {"behavior", name_of(step.behavior)}};
  }
  Json operator()(const SplitWordsAndSymbols&) const { return JsonObject{{"type", "Whitespace"}}; }
  Json operator()(const SplitWhitespace&) const { return JsonObject{{"type", "WhitespaceSplit"}}; }
  Json operator()(const SplitBert&) const { return JsonObject{{"type", "BertPreTokenizer"}}; }
  Json operator()(const SplitMetaspace& step) const {
    return JsonObject{{"type", "Metaspace"},
                      {"replacement", step.replacement},
                      {"prepend_scheme", name_of(step.prepend)},
                      {"split", step.split}};
  }
};

/// null, the one step, or a sequence.
template <typename Writer, typename Steps>
Json sequence(const Steps& steps, std::string_view member) {
  JsonArray list;
  for (const auto& step : steps) list.push_back(std::visit(Writer{}, step));
  if (list.empty()) return nullptr;
  if (list.size() == 1) return list[0];
  return JsonObject{{"type", "Sequence"}, {member, std::move(list)}};
}

Json decoder_json(const DecoderData& decoder) {
  switch (decoder.kind) {
    case DecoderKind::concatenate: return nullptr;
    case DecoderKind::byte_level:
      return JsonObject{
          {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
    case DecoderKind::sentencepiece: {
      JsonArray steps{
          JsonObject{{"type", "Replace"}, {"pattern", pattern_json("\u2581", false)}, {"content", " "}},
          JsonObject{{"type", "ByteFallback"}}, JsonObject{{"type", "Fuse"}}};
      if (decoder.strip_leading_space) {
        steps.push_back(JsonObject{{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
      }
      return JsonObject{{"type", "Sequence"}, {"decoders", std::move(steps)}};
    }
    case DecoderKind::wordpiece:
      return JsonObject{{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", decoder.clean_up}};
    case DecoderKind::word_suffix: return JsonObject{{"type", "BPEDecoder"}, {"suffix", decoder.word_suffix}};
  }
  return nullptr;
}

Json post_processor_json(const TokenizerData& data) {
  if (data.prefix_ids.empty() && data.suffix_ids.empty()) return nullptr;
  JsonArray single;
  JsonArray pair;
  JsonObject tokens;
  const auto add = [&](TokenId id, JsonArray& list, int type_id) {
    const std::string& piece = data.pieces[id];
    list.push_back(JsonObject{{"SpecialToken", JsonObject{{"id", piece}, {"type_id", type_id}}}});
    tokens[piece] = JsonObject{{"id", piece}, {"ids", JsonArray{id}}, {"tokens", JsonArray{piece}}};
  };
  const auto sequence_part = [](std::string_view name, int type_id) {
    return JsonObject{{"Sequence", JsonObject{{"id", name}, {"type_id", type_id}}}};
  };
  for (const TokenId id : data.prefix_ids) add(id, single, 0);
  single.push_back(sequence_part("A", 0));
  for (const TokenId id : data.suffix_ids) add(id, single, 0);
  pair = single;
  pair.push_back(sequence_part("B", 1));
  for (const TokenId id : data.suffix_ids) add(id, pair, 1);
  return JsonObject{{"type", "TemplateProcessing"},
                    {"single", std::move(single)},
                    {"pair", std::move(pair)},
                    {"special_tokens", std::move(tokens)}};
}

std::vector<const BpeMerge*> merges_by_rank(const TokenizerData& data) {
  std::vector<const BpeMerge*> merges;
  for (const BpeMerge& merge : data.merges) merges.push_back(&merge);
  std::stable_sort(merges.begin(), merges.end(),
                   [](const BpeMerge* a, const BpeMerge* b) { return a->rank < b->rank; });
  return merges;
}

void require_bpe(const TokenizerData& data) {
  if (data.kind != TokenizerKind::bpe) throw Unsupported("tokenizer files: only BPE can be written");
}

JsonObject vocab_object(const TokenizerData& data, bool with_added) {
  JsonObject vocab;
  for (std::size_t id = 0; id < data.pieces.size(); ++id) {
    if (data.pieces[id].empty() || (!with_added && data.types[id] == PieceType::added)) continue;
    vocab[data.pieces[id]] = id;
  }
  return vocab;
}

}  // namespace

Json normalizer_json(const std::vector<NormalizerStep>& steps) {
  return sequence<NormalizerWriter>(steps, "normalizers");
}

Json pre_tokenizer_json(const std::vector<PreTokenizerStep>& steps) {
  return sequence<PreTokenizerWriter>(steps, "pretokenizers");
}

std::string to_tokenizer_json(const TokenizerData& data) {
  require_bpe(data);
  JsonArray added;
  for (const AddedToken& token : data.added_tokens) {
    added.push_back(JsonObject{{"id", token.id},
                               {"content", token.text},
                               {"single_word", token.is_single_word},
                               {"lstrip", token.lstrip},
                               {"rstrip", token.rstrip},
                               {"normalized", token.is_normalized},
                               {"special", token.is_special}});
  }
  JsonArray merges;
  for (const BpeMerge* merge : merges_by_rank(data)) {
    merges.push_back(JsonArray{data.pieces[merge->left], data.pieces[merge->right]});
  }
  const auto optional_text = [](const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
  };
  JsonObject model{{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", data.special.unk ? Json(data.pieces[*data.special.unk]) : Json(nullptr)},
                   {"continuing_subword_prefix", optional_text(data.continuing_prefix)},
                   {"end_of_word_suffix", optional_text(data.word_suffix)},
                   {"fuse_unk", data.fuse_unknown},
                   {"byte_fallback", data.byte_fallback},
                   {"ignore_merges", data.ignore_merges},
                   {"vocab", vocab_object(data, false)},
                   {"merges", std::move(merges)}};
  return to_json(JsonObject{{"version", "1.0"},
                            {"truncation", nullptr},
                            {"padding", nullptr},
                            {"added_tokens", std::move(added)},
                            {"normalizer", normalizer_json(data.normalizers)},
                            {"pre_tokenizer", pre_tokenizer_json(data.pre_tokenizers)},
                            {"post_processor", post_processor_json(data)},
                            {"decoder", decoder_json(data.decoder)},
                            {"model", std::move(model)}});
}

std::string to_vocab_json(const TokenizerData& data) {
  require_bpe(data);
  return to_json(vocab_object(data, true));
}

std::string to_merges_text(const TokenizerData& data) {
  require_bpe(data);
  std::string text = "#version: 0.2\n";
  for (const BpeMerge* merge : merges_by_rank(data)) {
    text.append(data.pieces[merge->left]).append(" ").append(data.pieces[merge->right]).append("\n");
  }
  return text;
}

}  // namespace quintet

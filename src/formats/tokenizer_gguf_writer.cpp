#include "formats/tokenizer_gguf_writer.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "core/text.h"
#include "formats/tokenizer_files.h"
#include "formats/tokenizer_json_steps.h"

namespace quintet {

namespace {

constexpr std::string_view kMark = "\u2581";
// Below that of every merge, so that what no merge makes is made last if at all.
constexpr float kScoreOfNoMerge = -1e7f;
constexpr float kScoreOfUnused = -1e4f;  // of rows without a piece, as others write it

[[noreturn]] void cannot_say(std::string_view what) {
  throw Unsupported(cat("GGUF can't say that this tokenizer ", what));
}

template <typename Step, typename Steps>
const Step* find_step(const Steps& steps) {
  for (const auto& step : steps)
    if (const auto* found = std::get_if<Step>(&step)) return found;
  return nullptr;
}

std::string piece_text(const TokenizerData& data, std::size_t id) {
  // Files have holes, and embeddings more rows than there are pieces.
  return id < data.pieces.size() && !data.pieces[id].empty() ? data.pieces[id] : cat("[PAD", id, "]");
}

/// The pieces as GGUF has BERT's: "▁word" and "ing" for "word" and "##ing"; special ones as they are.
std::string wordpiece_text(const TokenizerData& data, std::size_t id, std::int32_t type) {
  std::string piece = piece_text(data, id);
  const bool is_marked = piece.starts_with('[') && piece.ends_with(']') && piece.size() > 2;
  const bool is_word = type == static_cast<std::int32_t>(PieceType::normal) ||
                       type == static_cast<std::int32_t>(PieceType::unused);
  if (is_marked || !is_word) return piece;
  if (piece.starts_with(data.continuing_prefix)) return piece.substr(data.continuing_prefix.size());
  return cat(kMark, piece);
}

bool is_added(const TokenizerData& data, TokenId id) {
  return std::ranges::find(data.added_tokens, id, &AddedToken::id) != data.added_tokens.end();
}

/// Normalised as SentencePiece does it, not as the library "tokenizers" does.
bool is_sentencepiece(const TokenizerData& data) {
  return data.normalizers.size() == 1 && data.pre_tokenizers.empty() &&
         std::holds_alternative<NormalizeSentencePiece>(data.normalizers[0]);
}

/// Whether a token, added or unknown, can also be found as a piece of the model: with "tokenizers'" unigram.
bool is_found_by_model(const TokenizerData& data, TokenId id) {
  return data.kind == TokenizerKind::unigram && !is_sentencepiece(data) && data.types[id] != PieceType::added;
}

std::vector<std::int32_t> piece_types(const TokenizerData& data, std::size_t n) {
  std::vector<std::int32_t> types(n, static_cast<std::int32_t>(PieceType::unused));
  for (std::size_t id = 0; id < data.pieces.size(); ++id) {
    if (data.pieces[id].empty()) continue;
    PieceType type = data.types[id];
    if (type == PieceType::normal && data.byte_fallback && byte_of_piece(data.pieces[id]))
      type = PieceType::byte;
    if (type == PieceType::added) type = PieceType::user_defined;
    types[id] = static_cast<std::int32_t>(type);
  }
  for (const AddedToken& token : data.added_tokens) {
    types[token.id] =
        static_cast<std::int32_t>(token.is_special ? PieceType::control : PieceType::user_defined);
  }
  const bool is_piece =
      data.special.unk && is_found_by_model(data, *data.special.unk) && !is_added(data, *data.special.unk);
  if (data.special.unk && !is_piece && find_step<SplitByteLevel>(data.pre_tokenizers) == nullptr)
    types[*data.special.unk] = static_cast<std::int32_t>(PieceType::unknown);
  return types;
}

// ---- Pre-tokenizers: GGUF has names for them

/// Steps written out as known_pre_tokenizer has them, so that equal ones are equal.
std::vector<PreTokenizerStep> written_out(const std::vector<PreTokenizerStep>& steps) {
  static const std::string gpt2 = std::get<SplitPattern>(known_pre_tokenizer("gpt-2").steps.front()).pattern;
  std::vector<PreTokenizerStep> result;
  for (const PreTokenizerStep& step : steps) {
    if (const auto* bytes = std::get_if<SplitByteLevel>(&step)) {
      if (bytes->use_regex) result.emplace_back(SplitPattern{gpt2});
      result.emplace_back(SplitByteLevel{false, false});
    } else if (const auto* digits = std::get_if<SplitDigits>(&step)) {
      result.emplace_back(SplitPattern{digits->individual ? R"(\p{N})" : R"(\p{N}+)"});
    } else if (const auto* split = std::get_if<SplitPattern>(&step)) {
      SplitPattern pattern = *split;
      // All of the text matches these patterns: what is between the matches is nothing.
      if (pattern.is_regex && pattern.invert && pattern.pattern.ends_with(R"(|\s+)")) {
        pattern.invert = false;
        pattern.behavior = SplitBehavior::isolated;
      }
      result.emplace_back(std::move(pattern));
    } else {
      result.push_back(step);
    }
  }
  return result;
}

bool is_equal(const PreTokenizerStep& a, const PreTokenizerStep& b) {
  if (a.index() != b.index()) return false;
  if (const auto* x = std::get_if<SplitPattern>(&a)) {
    const auto& y = std::get<SplitPattern>(b);
    return x->pattern == y.pattern && x->is_regex == y.is_regex && x->behavior == y.behavior &&
           x->invert == y.invert;
  }
  if (const auto* x = std::get_if<SplitPunctuation>(&a))
    return x->behavior == std::get<SplitPunctuation>(b).behavior;
  return std::holds_alternative<SplitByteLevel>(a);  // written out, all are the same
}

std::string shown(const std::vector<PreTokenizerStep>& steps) {
  std::string text;
  for (const PreTokenizerStep& step : steps)
    if (const auto* split = std::get_if<SplitPattern>(&step))
      text += cat(text.empty() ? "" : ", ", shown_name(split->pattern));
  return text.empty() ? "by no pattern" : text;
}

std::string pre_tokenizer_name(const TokenizerData& data) {
  if (!data.pre_tokenizer_name.empty()) return data.pre_tokenizer_name;
  const bool is_nfc = data.normalizers.size() == 1 &&
                      std::holds_alternative<NormalizeUnicode>(data.normalizers[0]) &&
                      std::get<NormalizeUnicode>(data.normalizers[0]).form == UnicodeForm::nfc;
  if (!data.normalizers.empty() && !is_nfc && find_step<NormalizePrepend>(data.normalizers) == nullptr)
    cannot_say("normalises text before it splits it");
  const auto steps = written_out(data.pre_tokenizers);
  for (const std::string_view name : known_pre_tokenizer_names()) {
    const KnownPreTokenizer known = known_pre_tokenizer(name);
    if (known.is_character_level || known.ignore_merges != data.ignore_merges || known.is_nfc != is_nfc)
      continue;
    if (std::ranges::equal(steps, written_out(known.steps), is_equal)) return std::string(name);
  }
  cannot_say(cat("splits text ", data.ignore_merges ? "with whole words first, " : "",
                 is_nfc ? "in composed characters, " : "", "by ", shown(steps),
                 "; no pre-tokenizer of that kind has a name"));
}

// ---- Blanks as "▁"

struct Blanks {
  bool before_text = false;
  const SplitMetaspace* metaspace = nullptr;  // where it is done by one
};

/// How a BPE with "▁" treats blanks: by normalisers in older files, by a Metaspace in newer ones.
Blanks find_blanks(const TokenizerData& data) {
  Blanks blanks;
  bool becomes_mark = false;
  for (const NormalizerStep& step : data.normalizers) {
    if (const auto* prepend = std::get_if<NormalizePrepend>(&step);
        prepend != nullptr && (prepend->content == kMark || prepend->content == " ")) {
      blanks.before_text = true;
    } else if (const auto* replace = std::get_if<NormalizeReplace>(&step);
               replace != nullptr && !replace->is_regex && replace->pattern == " " &&
               replace->content == kMark) {
      becomes_mark = true;
    } else if (const auto* sentencepiece = std::get_if<NormalizeSentencePiece>(&step);
               sentencepiece != nullptr && sentencepiece->charsmap.empty() &&
               !sentencepiece->remove_extra_whitespaces && sentencepiece->escape_whitespaces) {
      blanks.before_text = sentencepiece->add_dummy_prefix;
      becomes_mark = true;
    } else {
      cannot_say("normalises text as it does");
    }
  }
  for (const PreTokenizerStep& step : data.pre_tokenizers) {
    if (const auto* mark = std::get_if<SplitMetaspace>(&step);
        mark != nullptr && mark->replacement == kMark && data.normalizers.empty()) {
      becomes_mark = true;
      blanks = {.before_text = mark->prepend != PrependScheme::never, .metaspace = mark};
    } else if (const auto* split = std::get_if<SplitPattern>(&step);
               split != nullptr && !split->is_regex && split->pattern == " ") {
      // After all blanks became marks it finds none.
    } else {
      cannot_say(cat("splits text by ", shown(data.pre_tokenizers)));
    }
  }
  if (!becomes_mark) cannot_say("leaves blanks as they are");
  return blanks;
}

void write_blanks(GgufWriter& writer, const Blanks& blanks) {
  writer.boolean("tokenizer.ggml.add_space_prefix", blanks.before_text);
  if (blanks.metaspace == nullptr) return;
  constexpr std::string_view kSchemes[] = {"always", "first", "never"};
  writer.text("quintet.tokenizer.metaspace", kSchemes[static_cast<std::size_t>(blanks.metaspace->prepend)]);
  writer.boolean("quintet.tokenizer.metaspace_split", blanks.metaspace->split);
}

// ---- Unigram: SentencePiece's own way has keys, that of the library "tokenizers" is written down beside
// them

/// What GGUF's keys can say of a unigram tokenizer.
struct UnigramNormalizer {
  std::string charsmap;
  bool add_dummy_prefix = false;
  bool remove_extra_whitespaces = false;
};

UnigramNormalizer unigram_normalizer(const TokenizerData& data) {
  UnigramNormalizer result;
  if (is_sentencepiece(data)) {
    const auto& step = std::get<NormalizeSentencePiece>(data.normalizers[0]);
    if (!step.escape_whitespaces) cannot_say("leaves blanks as they are");
    if (step.treat_whitespace_as_suffix) cannot_say("ends words with blanks instead of starting them");
    return {step.charsmap, step.add_dummy_prefix, step.remove_extra_whitespaces};
  }
  bool has_charsmap = false;
  for (const NormalizerStep& step : data.normalizers) {
    if (const auto* charsmap = std::get_if<NormalizeCharsmap>(&step)) {
      if (has_charsmap) cannot_say("has two charsmaps");
      has_charsmap = true;
      result.charsmap = charsmap->charsmap;
    } else if (const auto* replace = std::get_if<NormalizeReplace>(&step);
               replace != nullptr && replace->is_regex && replace->pattern == " {2,}") {
      result.remove_extra_whitespaces = true;
    } else if (std::holds_alternative<NormalizeSentencePiece>(step)) {
      cannot_say("normalises text as it does");
    }
  }
  const auto* metaspace = find_step<SplitMetaspace>(data.pre_tokenizers);
  if (metaspace == nullptr || metaspace->replacement != kMark) cannot_say("leaves blanks as they are");
  result.add_dummy_prefix = metaspace->prepend != PrependScheme::never;
  if (find_step<SplitWhitespace>(data.pre_tokenizers) != nullptr) result.remove_extra_whitespaces = true;
  return result;
}

/// Everything but the charsmap, which stands elsewhere in the file.
void write_json_steps(GgufWriter& writer, const TokenizerData& data) {
  std::vector<NormalizerStep> normalizers = data.normalizers;
  for (NormalizerStep& step : normalizers)
    if (auto* charsmap = std::get_if<NormalizeCharsmap>(&step)) charsmap->charsmap.clear();
  writer.text("quintet.tokenizer.normalizer", to_json(normalizer_json(normalizers)));
  writer.text("quintet.tokenizer.pre_tokenizer", to_json(pre_tokenizer_json(data.pre_tokenizers)));
  const bool is_exact = std::ranges::all_of(
      data.scores, [](double score) { return static_cast<double>(static_cast<float>(score)) == score; });
  if (!is_exact) writer.f64s("quintet.tokenizer.scores", data.scores);
}

void write_unigram_normalizer(GgufWriter& writer, const TokenizerData& data) {
  const UnigramNormalizer normalizer = unigram_normalizer(data);
  writer.boolean("tokenizer.ggml.add_space_prefix", normalizer.add_dummy_prefix);
  writer.boolean("tokenizer.ggml.remove_extra_whitespaces", normalizer.remove_extra_whitespaces);
  if (!normalizer.charsmap.empty()) writer.bytes("tokenizer.ggml.precompiled_charsmap", normalizer.charsmap);
  const auto is_byte = [](const std::string& piece) { return byte_of_piece(piece).has_value(); };
  if (!data.byte_fallback && std::ranges::any_of(data.pieces, is_byte))
    writer.boolean("quintet.tokenizer.byte_fallback", false);
  if (!is_sentencepiece(data)) write_json_steps(writer, data);
}

// ---- The parts

/// How SentencePiece's files differ from what GGUF says of them.
void write_sentencepiece_ways(GgufWriter& writer, const TokenizerData& data) {
  if (!data.decoder.unknown_text.empty())
    writer.text("quintet.tokenizer.unknown_text", data.decoder.unknown_text);
  if (data.decoder.strip_all_leading) writer.boolean("quintet.tokenizer.strip_all_leading", true);
  for (std::size_t id = 0; id < data.pieces.size(); ++id)
    if (data.types[id] == PieceType::user_defined && !is_added(data, static_cast<TokenId>(id))) {
      writer.boolean("quintet.tokenizer.user_defined_are_pieces", true);
      return;
    }
}

std::vector<const BpeMerge*> merges_by_rank(const TokenizerData& data) {
  std::vector<const BpeMerge*> merges;
  for (const BpeMerge& merge : data.merges) merges.push_back(&merge);
  std::ranges::stable_sort(merges, {}, &BpeMerge::rank);
  return merges;
}

void write_merges(GgufWriter& writer, const TokenizerData& data) {
  std::vector<std::string> merges;
  for (const BpeMerge* merge : merges_by_rank(data)) {
    const std::string &left = data.pieces[merge->left], &right = data.pieces[merge->right];
    // Readers look for the first blank behind the first character.
    if (left.find(' ', 1) != std::string::npos || left.empty() || right.find(' ') != std::string::npos)
      cannot_say(cat("merges ", shown_name(left), " and ", shown_name(right), ": they have blanks"));
    merges.push_back(cat(left, " ", right));
  }
  writer.texts("tokenizer.ggml.merges", merges);
}

/// The sooner a merge, the higher the score of what it makes.
std::vector<float> scores_of_merges(const TokenizerData& data, std::size_t n) {
  std::vector<float> scores(n, kScoreOfNoMerge);
  const auto merges = merges_by_rank(data);
  for (std::size_t i = merges.size(); i-- > 0;) scores[merges[i]->result] = -static_cast<float>(i);
  return scores;
}

void write_model(GgufWriter& writer, const TokenizerData& data, std::size_t n) {
  const std::vector<std::int32_t> types = piece_types(data, n);
  std::vector<std::string> pieces(n);
  for (std::size_t id = 0; id < n; ++id)
    pieces[id] =
        data.kind == TokenizerKind::wordpiece ? wordpiece_text(data, id, types[id]) : piece_text(data, id);
  const auto write_pieces = [&](std::string_view model, std::string_view pre,
                                const std::vector<float>& scores) {
    writer.text("tokenizer.ggml.model", model);
    writer.text("tokenizer.ggml.pre", pre);
    writer.texts("tokenizer.ggml.tokens", pieces);
    if (!scores.empty()) writer.f32s("tokenizer.ggml.scores", scores);
    writer.i32s("tokenizer.ggml.token_type", types);
  };
  switch (data.kind) {
    case TokenizerKind::bpe: {
      if (!data.continuing_prefix.empty() || !data.word_suffix.empty())
        cannot_say("marks pieces that continue or end a word");
      if (const auto* bytes = find_step<SplitByteLevel>(data.pre_tokenizers)) {
        write_pieces("gpt2", pre_tokenizer_name(data), {});
        write_merges(writer, data);
        if (bytes->add_prefix_space || find_step<NormalizePrepend>(data.normalizers) != nullptr)
          writer.boolean("tokenizer.ggml.add_space_prefix", true);
        return;
      }
      const Blanks blanks = find_blanks(data);
      write_pieces("llama", "default", scores_of_merges(data, n));
      write_merges(writer, data);
      writer.boolean("quintet.tokenizer.merges_decide", true);
      write_blanks(writer, blanks);
      if (!data.fuse_unknown) writer.boolean("quintet.tokenizer.fuse_unknown", false);
      return;
    }
    case TokenizerKind::sentencepiece_bpe: {
      const auto* normalizer = find_step<NormalizeSentencePiece>(data.normalizers);
      if (normalizer == nullptr || !normalizer->charsmap.empty() || !normalizer->escape_whitespaces ||
          normalizer->treat_whitespace_as_suffix)
        cannot_say("normalises text as it does");
      std::vector<float> scores(n, kScoreOfNoMerge);
      for (std::size_t id = 0; id < data.scores.size(); ++id)
        scores[id] = static_cast<float>(data.scores[id]);
      write_pieces("llama", "default", scores);
      write_blanks(writer, {.before_text = normalizer->add_dummy_prefix});
      if (normalizer->remove_extra_whitespaces)
        writer.boolean("tokenizer.ggml.remove_extra_whitespaces", true);
      write_sentencepiece_ways(writer, data);
      return;
    }
    case TokenizerKind::wordpiece: {
      const auto* normalizer = find_step<NormalizeBert>(data.normalizers);
      if (normalizer == nullptr || !normalizer->clean_text || !normalizer->space_cjk ||
          data.normalizers.size() != 1 || find_step<SplitBert>(data.pre_tokenizers) == nullptr ||
          data.pre_tokenizers.size() != 1 || data.continuing_prefix != "##")
        cannot_say("normalises or splits text otherwise than BERT's");
      write_pieces("bert", "default", {});
      writer.boolean("tokenizer.ggml.normalizer.lowercase", normalizer->lowercase);
      writer.boolean("tokenizer.ggml.normalizer.strip_accents", normalizer->strip_accents);
      return;
    }
    case TokenizerKind::unigram: {
      std::vector<float> scores(n, kScoreOfUnused);
      for (std::size_t id = 0; id < data.scores.size(); ++id)
        scores[id] = static_cast<float>(data.scores[id]);
      write_pieces("t5", "default", scores);
      write_unigram_normalizer(writer, data);
      write_sentencepiece_ways(writer, data);
      return;
    }
  }
}

/// One token before the text and one or two after it, by the roles that GGUF knows. Returns the special ids
/// that go with them.
SpecialIds write_borders(GgufWriter& writer, const TokenizerData& data) {
  SpecialIds special = data.special;
  const bool is_wordpiece = data.kind == TokenizerKind::wordpiece;
  if (is_wordpiece && special.cls) special.bos = special.cls;  // the same in GGUF
  if (data.prefix_ids.size() > 1) cannot_say(cat("puts ", data.prefix_ids.size(), " tokens before a text"));
  if (!data.prefix_ids.empty()) special.bos = data.prefix_ids[0];
  std::optional<TokenId> eos, sep;
  for (const TokenId id : data.suffix_ids) {
    if (!eos && !sep && !is_wordpiece && id == special.eos) {
      eos = id;
    } else if (!sep) {
      sep = id;
    } else {
      cannot_say(cat("puts ", data.suffix_ids.size(), " tokens after a text"));
    }
  }
  if (sep) special.sep = sep;
  writer.boolean("tokenizer.ggml.add_bos_token", !data.prefix_ids.empty());
  writer.boolean("tokenizer.ggml.add_eos_token", eos.has_value());
  if (sep || is_wordpiece) writer.boolean("tokenizer.ggml.add_sep_token", sep.has_value());
  return special;
}

void write_special_ids(GgufWriter& writer, const SpecialIds& special) {
  const std::pair<std::string_view, std::optional<TokenId>> keys[] = {
      {"tokenizer.ggml.bos_token_id", special.bos},       {"tokenizer.ggml.eos_token_id", special.eos},
      {"tokenizer.ggml.eot_token_id", special.eot},       {"tokenizer.ggml.unknown_token_id", special.unk},
      {"tokenizer.ggml.seperator_token_id", special.sep},  // spelled so in the format
      {"tokenizer.ggml.padding_token_id", special.pad},   {"tokenizer.ggml.cls_token_id", special.cls},
      {"tokenizer.ggml.mask_token_id", special.mask}};
  for (const auto& [key, id] : keys)
    if (id) writer.u32(key, *id);
}

void write_added_flags(GgufWriter& writer, const TokenizerData& data) {
  std::vector<std::uint32_t> ids, flags;
  for (const AddedToken& token : data.added_tokens) {
    const std::uint32_t of_token = (token.lstrip ? 1u : 0u) | (token.rstrip ? 2u : 0u) |
                                   (token.is_normalized ? 4u : 0u) | (token.is_single_word ? 8u : 0u) |
                                   (is_found_by_model(data, token.id) ? 16u : 0u);
    if (of_token == 0) continue;
    ids.push_back(token.id);
    flags.push_back(of_token);
  }
  if (ids.empty()) return;
  writer.u32s("quintet.tokenizer.added_ids", ids);
  writer.u32s("quintet.tokenizer.added_flags", flags);
}

void write_templates(GgufWriter& writer, const TokenizerData& data) {
  if (!data.chat_template.empty()) writer.text("tokenizer.chat_template", data.chat_template);
  if (data.named_chat_templates.empty()) return;
  std::vector<std::string> names;
  for (const auto& [name, source] : data.named_chat_templates) {
    names.push_back(name);
    writer.text(cat("tokenizer.chat_template.", name), source);
  }
  writer.texts("tokenizer.chat_templates", names);
}

}  // namespace

void write_gguf_tokenizer(GgufWriter& writer, const TokenizerData& data, std::size_t vocab_size) {
  if (data.pieces.size() > vocab_size) {
    throw InvalidArgument(
        cat("GGUF tokenizer: ", data.pieces.size(), " pieces for a vocabulary of ", vocab_size));
  }
  write_model(writer, data, vocab_size);
  write_special_ids(writer, write_borders(writer, data));
  write_added_flags(writer, data);
  write_templates(writer, data);
}

}  // namespace quintet

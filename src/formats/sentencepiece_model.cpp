#include <bit>
#include <cstring>
#include <string>

#include "core/error.h"
#include "core/text.h"
#include "formats/tokenizer_files.h"

namespace quintet {

namespace {

constexpr std::size_t kMaxPieces = 1U << 24;

[[noreturn]] void fail(std::string_view what, std::size_t offset) {
  throw CorruptData(cat("SentencePiece model: ", what, " at byte ", offset));
}

/// The fields of a protocol buffers message (protobuf.dev/programming-guides/encoding), one after another.
class ProtoReader {
 public:
  ProtoReader(std::string_view bytes, std::size_t base) : bytes_(bytes), base_(base) {}

  struct Field {
    std::uint64_t number = 0;
    unsigned wire_type = 0;
    std::uint64_t value = 0;  // of varint, fixed32 and fixed64
    std::string_view bytes;   // of a length-delimited field
    std::size_t offset = 0;   // of `bytes` in the file
    float as_float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(value)); }
  };

  bool next(Field& field) {
    if (pos_ >= bytes_.size()) return false;
    const std::uint64_t tag = varint();
    field = {};
    field.number = tag >> 3;
    field.wire_type = static_cast<unsigned>(tag & 7);
    if (field.number == 0) fail("field number 0", base_ + pos_);
    switch (field.wire_type) {
      case 0: field.value = varint(); break;
      case 1: field.value = fixed(8); break;
      case 2: {
        const std::uint64_t n = varint();
        if (n > bytes_.size() - pos_)
          fail(cat("a field of ", n, " bytes, ", bytes_.size() - pos_, " are left"), base_ + pos_);
        field.offset = base_ + pos_;
        field.bytes = bytes_.substr(pos_, static_cast<std::size_t>(n));
        pos_ += static_cast<std::size_t>(n);
        break;
      }
      case 5: field.value = fixed(4); break;
      default: fail(cat("wire type ", field.wire_type), base_ + pos_);
    }
    return true;
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (pos_ >= bytes_.size()) fail("the file ends inside a number", base_ + pos_);
      const auto byte = static_cast<unsigned char>(bytes_[pos_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail("a number of more than 10 bytes", base_ + pos_);
  }
  std::uint64_t fixed(std::size_t n) {
    if (n > bytes_.size() - pos_) fail("the file ends inside a number", base_ + pos_);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < n; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[pos_ + i])) << (8 * i);
    }
    pos_ += n;
    return value;
  }

  std::string_view bytes_;
  std::size_t base_;
  std::size_t pos_ = 0;
};

void expect_type(const ProtoReader::Field& field, unsigned wire_type, std::string_view name) {
  if (field.wire_type != wire_type)
    fail(cat(name, " has wire type ", field.wire_type, ", expected ", wire_type), field.offset);
}

struct Model {
  TokenizerData data;
  NormalizeSentencePiece normalizer;
  std::uint64_t model_type = 1;          // unigram
  std::string unk_surface = " \u2047 ";  // the library's default
  std::string unk_piece = "<unk>", bos_piece = "<s>", eos_piece = "</s>", pad_piece = "<pad>";
};

void read_piece(std::string_view bytes, std::size_t offset, Model& model) {
  ProtoReader reader(bytes, offset);
  ProtoReader::Field field;
  std::string_view piece;
  float score = 0;
  std::uint64_t type = 1;
  while (reader.next(field)) {
    switch (field.number) {
      case 1:
        expect_type(field, 2, "piece");
        piece = field.bytes;
        break;
      case 2:
        expect_type(field, 5, "score");
        score = field.as_float();
        break;
      case 3:
        expect_type(field, 0, "type");
        type = field.value;
        break;
      default: break;
    }
  }
  if (type < 1 || type > 6) fail(cat("a piece of type ", type), offset);
  if (model.data.pieces.size() >= kMaxPieces) fail(cat("more than ", kMaxPieces, " pieces"), offset);
  model.data.pieces.emplace_back(piece);
  model.data.scores.push_back(score);
  model.data.types.push_back(static_cast<PieceType>(type));
}

void read_trainer_spec(std::string_view bytes, std::size_t offset, Model& model) {
  ProtoReader reader(bytes, offset);
  ProtoReader::Field field;
  while (reader.next(field)) {
    switch (field.number) {
      case 3:
        expect_type(field, 0, "model_type");
        model.model_type = field.value;
        break;
      case 24:
        expect_type(field, 0, "treat_whitespace_as_suffix");
        model.normalizer.treat_whitespace_as_suffix = field.value != 0;
        break;
      case 35:
        expect_type(field, 0, "byte_fallback");
        model.data.byte_fallback = field.value != 0;
        break;
      case 44:
        expect_type(field, 2, "unk_surface");
        model.unk_surface = field.bytes;
        break;
      case 45:
        expect_type(field, 2, "unk_piece");
        model.unk_piece = field.bytes;
        break;
      case 46:
        expect_type(field, 2, "bos_piece");
        model.bos_piece = field.bytes;
        break;
      case 47:
        expect_type(field, 2, "eos_piece");
        model.eos_piece = field.bytes;
        break;
      case 48:
        expect_type(field, 2, "pad_piece");
        model.pad_piece = field.bytes;
        break;
      default: break;
    }
  }
}

void read_normalizer_spec(std::string_view bytes, std::size_t offset, Model& model) {
  ProtoReader reader(bytes, offset);
  ProtoReader::Field field;
  while (reader.next(field)) {
    switch (field.number) {
      case 2:
        expect_type(field, 2, "precompiled_charsmap");
        model.normalizer.charsmap = field.bytes;
        break;
      case 3:
        expect_type(field, 0, "add_dummy_prefix");
        model.normalizer.add_dummy_prefix = field.value != 0;
        break;
      case 4:
        expect_type(field, 0, "remove_extra_whitespaces");
        model.normalizer.remove_extra_whitespaces = field.value != 0;
        break;
      case 5:
        expect_type(field, 0, "escape_whitespaces");
        model.normalizer.escape_whitespaces = field.value != 0;
        break;
      default: break;
    }
  }
}

}  // namespace

TokenizerData read_sentencepiece_model(std::string_view bytes, std::string_view tokenizer_config_json) {
  Model model;
  ProtoReader reader(bytes, 0);
  ProtoReader::Field field;
  while (reader.next(field)) {
    switch (field.number) {
      case 1:
        expect_type(field, 2, "pieces");
        read_piece(field.bytes, field.offset, model);
        break;
      case 2:
        expect_type(field, 2, "trainer_spec");
        read_trainer_spec(field.bytes, field.offset, model);
        break;
      case 3:
        expect_type(field, 2, "normalizer_spec");
        read_normalizer_spec(field.bytes, field.offset, model);
        break;
      default: break;
    }
  }
  TokenizerData& data = model.data;
  switch (model.model_type) {
    case 1: data.kind = TokenizerKind::unigram; break;
    case 2: data.kind = TokenizerKind::sentencepiece_bpe; break;
    default:
      throw Unsupported(
          cat("SentencePiece model: type ", model.model_type, "; known are 1 (unigram) and 2 (BPE)"));
  }
  const PieceIndex index(data.pieces);
  data.special.unk = index.find(model.unk_piece);
  for (std::size_t id = 0; id < data.types.size() && !data.special.unk; ++id) {
    if (data.types[id] == PieceType::unknown) data.special.unk = static_cast<TokenId>(id);
  }
  data.special.bos = index.find(model.bos_piece);
  data.special.eos = index.find(model.eos_piece);
  data.special.pad = index.find(model.pad_piece);
  data.decoder = {DecoderKind::sentencepiece, model.normalizer.add_dummy_prefix,        false, "",
                  model.unk_surface,          model.normalizer.remove_extra_whitespaces};
  for (std::size_t id = 0; id < data.pieces.size(); ++id) {
    const bool is_special = data.types[id] == PieceType::control || data.types[id] == PieceType::unknown;
    if (!is_special || data.pieces[id].empty()) continue;
    AddedToken token;
    token.text = data.pieces[id];
    token.id = static_cast<TokenId>(id);
    token.is_special = true;
    data.added_tokens.push_back(std::move(token));
  }
  data.normalizers.push_back(std::move(model.normalizer));
  // The file does not say what goes around a text; the configuration beside it does.
  if (!tokenizer_config_json.empty()) apply_tokenizer_config(data, tokenizer_config_json);
  check_tokenizer_data(data, "SentencePiece model");
  return std::move(model.data);
}

}  // namespace quintet

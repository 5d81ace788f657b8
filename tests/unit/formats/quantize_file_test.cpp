#include "formats/quantize_file.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "formats/gguf.h"
#include "formats/gguf_writer.h"
#include "formats/importance_matrix.h"
#include "formats/synthesize.h"
#include "tensor/dequantize.h"
#include "testing/scratch_folder.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

using testing::HasSubstr;

class QuantizeFile : public testing::Test {
 protected:
  QuantizeFile() {
    ModelShape shape = *find_model_shape("smollm2-135m");
    shape.n_layers = 2;
    shape.hidden_dim = 256;
    shape.n_heads = 4;
    shape.n_kv_heads = 2;
    shape.ffn_dim = 512;
    shape.vocab_size = 600;
    synthesize_model(shape, {.type = "f16"}, in_);
  }
  QuantizeReport quantize(const QuantizeFileOptions& options) {
    return quantize_checkpoint(in_, out_, options);
  }
  std::string refusal(const QuantizeFileOptions& options) {
    try {
      quantize(options);
      return "no error";
    } catch (const Error& error) {
      return error.what();
    }
  }

  ScratchFolder folder_;
  std::filesystem::path in_ = folder_ / "in.gguf";
  std::filesystem::path out_ = folder_ / "out.gguf";
};

TEST_F(QuantizeFile, WritesNothingWhenTheInputIsCutOffMeanwhile) {
  const auto cut = [&](const QuantizedTensor&, std::size_t, std::size_t) {
    std::filesystem::resize_file(in_, std::filesystem::file_size(in_) / 2);
  };
  const std::string whole = read_file(in_);
  for (const char* type : {"q8_0", "f16"}) {  // f16 is copied by the system as it is
    write_file_atomically(in_, whole);
    EXPECT_THROW(quantize_checkpoint(in_, out_, {.type = type}, cut), Unavailable) << type;
  }
  EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(QuantizeFile, WritesTheMixtureAndReportsItsErrors) {
  std::size_t n_told = 0;
  const auto report = quantize_checkpoint(in_, out_, {.type = "q4_k_m"},
                                          [&](const QuantizedTensor&, std::size_t done, std::size_t total) {
                                            ++n_told;
                                            EXPECT_LE(done, total);
                                          });
  const GgufFile before = GgufFile::open(in_);
  const GgufFile after = GgufFile::open(out_);
  EXPECT_EQ(n_told, before.tensors().size());
  ASSERT_EQ(report.tensors.size(), before.tensors().size());
  EXPECT_EQ(after.integer("general.file_type"), 15);
  EXPECT_EQ(after.texts("tokenizer.ggml.tokens"), before.texts("tokenizer.ggml.tokens"));
  EXPECT_EQ(after.find_tensor("token_embd.weight")->dtype, DType::q6_k);  // tied
  EXPECT_EQ(after.find_tensor("blk.0.attn_q.weight")->dtype, DType::q4_k);
  EXPECT_EQ(after.find_tensor("blk.1.ffn_down.weight")->dtype, DType::q6_k);
  EXPECT_EQ(after.find_tensor("blk.0.attn_norm.weight")->dtype, DType::f32);
  EXPECT_GT(report.bits_per_weight(), 4.5);
  EXPECT_LT(report.bits_per_weight(), 7);
  for (const QuantizedTensor& tensor : report.tensors) {
    const Tensor was = dequantize(before.tensor(tensor.name));
    const Tensor is = dequantize(after.tensor(tensor.name));
    double squares = 0;
    for (std::size_t i = 0; i < was.f32().size(); ++i) {
      const double e = static_cast<double>(was.f32()[i]) - static_cast<double>(is.f32()[i]);
      squares += e * e;
    }
    EXPECT_NEAR(tensor.rmse, std::sqrt(squares / static_cast<double>(was.f32().size())), 1e-9) << tensor.name;
    if (tensor.to == DType::q4_k) EXPECT_NEAR(tensor.relative_rmse, 0.07, 0.005) << tensor.name;
    if (tensor.to == tensor.from) EXPECT_EQ(tensor.rmse, 0) << tensor.name;
  }
}

TEST_F(QuantizeFile, GivesTheSameBytesForAnyNumberOfThreads) {
  quantize({.type = "q3_k_m", .n_threads = 1});
  const std::string one = read_file(out_);
  quantize({.type = "q3_k_m", .n_threads = 3});
  EXPECT_TRUE(read_file(out_) == one);
}

TEST_F(QuantizeFile, ObeysItsOptions) {
  quantize({.type = "q4_0", .is_pure = true});
  EXPECT_EQ(GgufFile::open(out_).find_tensor("token_embd.weight")->dtype, DType::q4_0);
  quantize({.type = "q4_0", .token_embedding_type = DType::q8_0});
  EXPECT_EQ(GgufFile::open(out_).find_tensor("token_embd.weight")->dtype, DType::q8_0);
  quantize({.type = "bf16"});
  EXPECT_EQ(GgufFile::open(out_).find_tensor("blk.0.ffn_up.weight")->dtype, DType::bf16);
}

TEST_F(QuantizeFile, QuantizesTwiceOnlyWhenAllowed) {
  quantize({.type = "q8_0"});
  std::filesystem::rename(out_, in_);
  EXPECT_THAT(refusal({.type = "q4_0"}), HasSubstr("is q8_0 already"));
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_EQ(refusal({.type = "q4_0", .allows_requantizing = true}), "no error");
}

TEST_F(QuantizeFile, RefusesWhatItCantDo) {
  EXPECT_THAT(refusal({.type = "q9"}), HasSubstr("there are f32, f16"));
  EXPECT_THAT(refusal({.output_type = DType::i8}), HasSubstr("no type of weights"));
  EXPECT_THAT(refusal({.importance = in_}), HasSubstr("no importance matrix"));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(quantize_checkpoint(in_, out_, {}, {}, stop.get_token()), Cancelled);
  const auto folder = test_data("lm/tinystories-656k");
  if (!folder.empty()) EXPECT_THROW(quantize_checkpoint(folder, out_, {}), Unsupported);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(QuantizeFile, NamesTheTensorAndTheRowOfABadWeight) {
  {
    std::vector<float> bad(64, 0.5f);
    bad[40] = NAN;
    GgufWriter writer(in_);
    writer.text("general.architecture", "llama");
    writer.add_tensor("blk.0.ffn_up.weight", DType::f32, Shape{2, 32});
    writer.write_tensor("blk.0.ffn_up.weight", std::as_bytes(std::span(bad)));
    writer.finish();
  }
  EXPECT_THAT(refusal({.type = "q4_0"}), HasSubstr("tensor \"blk.0.ffn_up.weight\", row 1: weight 8 is nan"));
}

TEST_F(QuantizeFile, UsesImportance) {
  const auto imatrix = folder_ / "imatrix.gguf";
  std::vector<float> sums(256, 1.0f);
  for (std::size_t i = 0; i < 16; ++i) sums[i * 16] = 1e4f;
  const auto write = [&](std::size_t n) {
    GgufWriter writer(imatrix);
    const float count = 2;
    writer.text("general.type", "imatrix");
    writer.add_tensor("blk.0.ffn_up.weight.in_sum2", DType::f32, Shape{1, n});
    writer.add_tensor("blk.0.ffn_up.weight.counts", DType::f32, Shape{1, 1});
    writer.write_tensor("blk.0.ffn_up.weight.in_sum2", std::as_bytes(std::span(sums).first(n)));
    writer.write_tensor("blk.0.ffn_up.weight.counts", std::as_bytes(std::span(&count, 1)));
    writer.finish();
  };
  const auto error_of_important = [&](const QuantizeFileOptions& options) {
    quantize(options);
    const Tensor was = dequantize(GgufFile::open(in_).tensor("blk.0.ffn_up.weight"));
    const Tensor is = dequantize(GgufFile::open(out_).tensor("blk.0.ffn_up.weight"));
    double squares = 0;
    for (std::size_t i = 0; i < was.f32().size(); i += 16)
      squares += std::pow(static_cast<double>(was.f32()[i] - is.f32()[i]), 2);
    return squares;
  };
  write(256);
  EXPECT_NEAR(ImportanceMatrix::open(imatrix).find("blk.0.ffn_up.weight")[0], 5e3f, 1);
  EXPECT_LT(error_of_important({.type = "q4_k_m", .importance = imatrix}),
            0.5 * error_of_important({.type = "q4_k_m"}));
  write(128);
  EXPECT_THAT(refusal({.type = "q4_k_m", .importance = imatrix}), HasSubstr("has 128 numbers"));
}

TEST(QuantizeFileOfRealModel, IsReadAgain) {
  const auto path = test_data("lm/stories260k/tinyllamas-stories-260k-f32.gguf");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/lm";
  const ScratchFolder folder;
  const auto report = quantize_checkpoint(path, folder / "q.gguf", {.type = "q8_0"});
  const GgufFile file = GgufFile::open(folder / "q.gguf");
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(file.find_tensor("blk.0.attn_q.weight")->dtype, DType::q8_0);
  EXPECT_EQ(file.find_tensor("blk.0.ffn_down.weight")->dtype, DType::f16);  // rows of 172 are no blocks of 32
  for (const QuantizedTensor& tensor : report.tensors) EXPECT_LT(tensor.relative_rmse, 0.01) << tensor.name;
}

}  // namespace
}  // namespace quintet

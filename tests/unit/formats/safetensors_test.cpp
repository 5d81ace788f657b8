#include "formats/safetensors.h"

#include <cstring>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "testing/scratch_folder.h"
#include "testing/test_data.h"

namespace quintet {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string file_bytes(const std::string& header, std::size_t n_data) {
  const std::uint64_t n = header.size();
  std::string bytes(reinterpret_cast<const char*>(&n), sizeof n);
  bytes += header;
  for (std::size_t i = 0; i < n_data; ++i) bytes += static_cast<char>(i);
  return bytes;
}

std::string refusal(const std::string& bytes) {
  const ScratchFolder folder;
  std::ofstream(folder / "m.safetensors", std::ios::binary) << bytes;
  try {
    SafetensorsFile::open(folder / "m.safetensors");
    return "no error";
  } catch (const Error& error) {
    return std::string(error_code_name(error.code())) + ": " + error.what();
  }
}

std::string refusal_of(const std::string& header, std::size_t n_data) {
  return refusal(file_bytes(header, n_data));
}

TEST(Safetensors, ReadsARealModel) {
  const auto path = test_data("lm/tinystories-656k/model.safetensors");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/lm";
  const SafetensorsFile file = SafetensorsFile::open(path);
  const Tensor embedding = file.tensor("lm_head.weight");
  EXPECT_EQ(file.tensor("model.embed_tokens.weight").bytes().data(), embedding.bytes().data());  // tied
  EXPECT_EQ(embedding.dtype(), DType::f32);
  EXPECT_EQ(embedding.shape(), Shape({2048, 128}));
  std::size_t n_parameters = 0;
  for (const TensorInfo& info : file.tensors()) n_parameters += info.shape.n_elements();
  EXPECT_NEAR(static_cast<double>(n_parameters), 656e3, 1e3);
}

TEST(Safetensors, ReadsARealAdapter) {
  const auto path = test_data("lora/gpt2-kto-hh/adapter_model.safetensors");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/lora";
  const SafetensorsFile file = SafetensorsFile::open(path);
  EXPECT_EQ(file.tensors().size(), 24u);
  for (const TensorInfo& info : file.tensors()) EXPECT_EQ(file.tensor(info.name).shape(), info.shape);
}

TEST(Safetensors, SaysThatARealFileIsTruncated) {
  const auto path = test_data("tokenizers/minilm/model.TRUNCATED.safetensors");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data/tokenizers";
  try {
    SafetensorsFile::open(path);
    FAIL();
  } catch (const CorruptData& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("model.TRUNCATED.safetensors"), HasSubstr("(truncated?)")));
  }
}

TEST(Safetensors, WritesWhatItReads) {
  const ScratchFolder folder;
  std::vector<NamedTensor> tensors;
  tensors.push_back({"a.weight", Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, Shape{2, 3})});
  tensors.push_back({"odd", Tensor::zeros(DType::i8, Shape{3})});
  tensors.push_back({"after odd", Tensor::from(std::vector<float>{7}, Shape{})});
  tensors.push_back({"empty", Tensor::zeros(DType::f16, Shape{0, 5})});
  for (const DType type : {DType::f64, DType::f16, DType::bf16, DType::i64, DType::i32, DType::i16})
    tensors.push_back({std::string(dtype_name(type)), Tensor::zeros(type, Shape{1, 2, 3})});
  write_safetensors(folder / "m.safetensors", tensors, {{"format", "pt"}, {"quote", "\"é\""}});
  const SafetensorsFile file = SafetensorsFile::open(folder / "m.safetensors");
  ASSERT_EQ(file.tensors().size(), tensors.size());
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.metadata().at("quote"), "\"é\"");
  for (const auto& [name, tensor] : tensors) {
    const Tensor read = file.tensor(name);
    EXPECT_EQ(read.shape(), tensor.shape()) << name;
    EXPECT_EQ(read.dtype(), tensor.dtype()) << name;
    EXPECT_TRUE(std::ranges::equal(read.bytes(), tensor.bytes())) << name;
  }
  // It lies at an odd offset, and can be read all the same.
  EXPECT_NE(file.find_tensor("after odd")->offset % 4, 0u);
  EXPECT_THAT(file.tensor("after odd").f32(), ElementsAre(7));
  EXPECT_THROW(file.tensor("none"), NotFound);
}

TEST(Safetensors, RefusesToWriteWhatTheFormatLacks) {
  const ScratchFolder folder;
  const auto write = [&](const std::vector<NamedTensor>& tensors) {
    write_safetensors(folder / "m.safetensors", tensors);
  };
  EXPECT_THROW(write({{"q", Tensor::zeros(DType::q4_0, Shape{32})}}), InvalidArgument);
  const Tensor one = Tensor::zeros(DType::f32, Shape{1});
  EXPECT_THROW(write({{"a", one}, {"a", one}}), InvalidArgument);
  EXPECT_THROW(write({{"__metadata__", one}}), InvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(folder / "m.safetensors"));
}

TEST(Safetensors, ReadsBytesAndBoolsAsI8) {
  const ScratchFolder folder;
  write_file_atomically(folder / "m.safetensors",
                        file_bytes(R"({"b":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]},)"
                                   R"("u":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
                                   3));
  const SafetensorsFile file = SafetensorsFile::open(folder / "m.safetensors");
  EXPECT_EQ(file.tensor("b").dtype(), DType::i8);
  EXPECT_EQ(file.tensor("u").bytes()[0], std::byte{2});
}

TEST(Safetensors, RefusesDamagedHeaders) {
  EXPECT_THAT(refusal("1234567"), HasSubstr("too few"));
  EXPECT_THAT(refusal(std::string(8, '\xff')), HasSubstr("18446744073709551615 bytes"));
  EXPECT_THAT(refusal(std::string("\x10\0\0\0\0\0\0\0{}", 10)), HasSubstr("truncated?"));
  EXPECT_THAT(refusal_of("[]", 0), HasSubstr("doesn't start with"));
  EXPECT_THAT(refusal_of("{\"a\":", 0), HasSubstr("corrupt_data"));
  EXPECT_THAT(refusal_of("{\"a\":" + std::string(1000, '['), 0), HasSubstr("corrupt_data"));
  EXPECT_THAT(refusal_of("{\"\xff\":1}", 0), HasSubstr("corrupt_data"));
  EXPECT_EQ(refusal_of("{}", 0), "no error");
  EXPECT_EQ(refusal_of(R"({"__metadata__":{"a":"b"}}  )", 0), "no error");
  EXPECT_THAT(refusal_of(R"({"__metadata__":{"a":1}})", 0), HasSubstr("is no string"));
  EXPECT_THAT(refusal_of(R"({"__metadata__":[]})", 0), HasSubstr("is no object"));
}

TEST(Safetensors, RefusesDamagedDescriptions) {
  const auto with = [](const std::string& description) {
    return refusal_of("{\"t\":" + description + "}", 8);
  };
  EXPECT_EQ(with(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), "no error");
  EXPECT_THAT(with("7"), HasSubstr("tensor \"t\" is described by"));
  EXPECT_THAT(with(R"({"shape":[2],"data_offsets":[0,8]})"), HasSubstr("no \"dtype\""));
  EXPECT_THAT(with(R"({"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]})"),
              AllOf(HasSubstr("unsupported: "), HasSubstr("F8_E4M3"), HasSubstr("BF16")));
  EXPECT_THAT(with(R"({"dtype":"F32","data_offsets":[0,8]})"), HasSubstr("no \"shape\""));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), HasSubstr("whole numbers"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"), HasSubstr("whole numbers"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":["2"],"data_offsets":[0,8]})"), HasSubstr("whole numbers"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[1,1,1,1,1,1,2],"data_offsets":[0,8]})"),
              HasSubstr("at most 6"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,8]})"),
              HasSubstr("can be counted"));
  EXPECT_THAT(with(R"({"dtype":"F64","shape":[4611686018427387905],"data_offsets":[0,8]})"),
              HasSubstr("larger than any file"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"), HasSubstr("takes 12 bytes"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), HasSubstr("before it begins"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[2],"data_offsets":[8,16]})"), HasSubstr("truncated?"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})"), HasSubstr("expected 2"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[2]})"), HasSubstr("no \"data_offsets\""));
}

TEST(Safetensors, RefusesOverlapsAndHoles) {
  const auto two = [](const char* first, const char* second, std::size_t n_data) {
    return refusal_of(cat(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":)", first,
                          R"(},"b":{"dtype":"F32","shape":[1],"data_offsets":)", second, "}}"),
                      n_data);
  };
  EXPECT_EQ(two("[0,4]", "[4,8]", 8), "no error");
  EXPECT_EQ(two("[4,8]", "[0,4]", 8), "no error");
  EXPECT_THAT(two("[0,4]", "[0,4]", 8), HasSubstr("within the one before"));
  EXPECT_THAT(two("[0,4]", "[3,7]", 8), HasSubstr("within the one before"));
  EXPECT_THAT(two("[0,4]", "[5,9]", 9), HasSubstr("the one before ends at"));
  EXPECT_THAT(two("[0,4]", "[4,8]", 9), HasSubstr("but the file has"));
}

class SafetensorsIndex : public testing::Test {
 protected:
  SafetensorsIndex() {
    const Tensor one = Tensor::from(std::vector<float>{1}, Shape{1});
    const std::vector<NamedTensor> first = {{"a", one}, {"b", one}};
    const std::vector<NamedTensor> second = {{"c", one}};
    write_safetensors(folder_ / "model-00001-of-00002.safetensors", first);
    write_safetensors(folder_ / "model-00002-of-00002.safetensors", second);
  }
  std::string open(const std::string& weight_map) {
    const auto path = folder_ / "model.safetensors.index.json";
    write_file_atomically(path, cat(R"({"metadata":{"total_size":12},"weight_map":)", weight_map, "}"));
    try {
      return cat(SafetensorsFile::open(path).tensors().size(), " tensors");
    } catch (const Error& error) {
      return error.what();
    }
  }
  ScratchFolder folder_;
};

TEST_F(SafetensorsIndex, OpensAllItsFiles) {
  EXPECT_EQ(open(R"({"a":"model-00001-of-00002.safetensors","b":"model-00001-of-00002.safetensors",)"
                 R"("c":"model-00002-of-00002.safetensors"})"),
            "3 tensors");
}

TEST_F(SafetensorsIndex, NamesWhatIsWrong) {
  EXPECT_THAT(open("7"), HasSubstr("no \"weight_map\""));
  EXPECT_THAT(open(R"({"a":7})"), HasSubstr("is no string"));
  EXPECT_THAT(open(R"({"a":"../secret.safetensors"})"), HasSubstr("no file name"));
  EXPECT_THAT(open(R"({"a":"/etc/passwd"})"), HasSubstr("no file name"));
  EXPECT_THAT(open(R"({"a":"missing.safetensors"})"), HasSubstr("missing.safetensors"));
  EXPECT_THAT(open(R"({"c":"model-00001-of-00002.safetensors"})"), HasSubstr("tensor \"c\" is not in"));
  std::filesystem::copy(folder_ / "model-00001-of-00002.safetensors", folder_ / "twin.safetensors");
  EXPECT_THAT(open(R"({"a":"model-00001-of-00002.safetensors","b":"twin.safetensors"})"),
              HasSubstr("in two files"));
}

}  // namespace
}  // namespace quintet

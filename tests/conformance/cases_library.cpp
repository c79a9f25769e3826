#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <utility>

#include "case.h"

namespace aurex::testing {
namespace {

using ax::testing::Values;

/// A file of the library, with the text of what it uses in the place of `use`.
std::string library_text(const std::string& file) {
  std::ifstream stream(AUREX_SOURCE_DIR "/src/aurex/ops/" + file);
  std::string text, line;
  while (std::getline(stream, line)) {
    const bool uses = line.starts_with("use \"");
    text += uses ? library_text(line.substr(5, line.rfind('"') - 5)) : line + "\n";
  }
  return text;
}

const std::vector<Sizes> kRows = {{0, 3}, {1, 1}, {3, 7}, {2, 16}, {5, 33}};

Case rows(const std::string& file, const std::string& kernel, const Values& scalars = {}) {
  return {.name = kernel,
          .source = library_text(file),
          .kernel = kernel,
          .sizes = kRows,
          .inputs =
              [scalars](const Sizes& n, Numbers& draw) {
                Values values = scalars;
                values["x"] = draw.floats({n[0], n[1]});
                return values;
              },
          .large = {301, 130}};
}

/// Up to three of each row.
Case first_in_order(const std::string& kernel) {
  Case test = rows("top_k.ax", kernel);
  test.inputs = [](const Sizes& n, Numbers& draw) {
    return Values{{"x", draw.floats({n[0], n[1]})}, {"k", std::min<std::int64_t>(3, n[1])}};
  };
  return test;
}

/// Rows that go to numbered places; sizes: rows, columns, places.
Case scatter(const std::string& kernel, const std::string& rows, const std::string& places) {
  return {.name = kernel,
          .source = library_text("segments.ax"),
          .kernel = kernel,
          .sizes = {{0, 3, 2}, {1, 1, 1}, {7, 17, 3}, {40, 5, 9}},
          .inputs =
              [rows](const Sizes& n, Numbers& draw) {
                return Values{{rows, draw.floats({n[0], n[1]})}, {"ids", draw.integers({n[0]}, 0, n[2])}};
              },
          .large = {2003, 67, 11},
          .extents = [places](const Sizes& n) { return std::vector<ax::NamedExtent>{{places, n[2]}}; }};
}

/// Windows of 3 x 2 with everything that moves them; sizes: planes, height, width.
Case pooling(const std::string& kernel) {
  return {
      .name = kernel,
      .source = library_text("pooling.ax"),
      .kernel = kernel,
      .sizes = {{0, 3, 3}, {1, 2, 2}, {3, 5, 7}, {2, 9, 33}},
      .inputs =
          [](const Sizes& n, Numbers& draw) {
            Values values = {{"x", draw.floats({n[0], n[1], n[2]})}};
            for (const auto& [name, value] :
                 {std::pair{"size_y", 3}, {"size_x", 2}, {"stride_y", 2}, {"pad_y", 1}, {"pad_x", 1}, {"spill_y", 1}}) {
              values[name] = std::int64_t{value};
            }
            return values;
          },
      .large = {20, 31, 47}};
}

/// Two channels to a group, filters of 3 x 2; sizes: images, groups, height, width.
Case convolution(const std::string& kernel) {
  const bool transposed = kernel == "conv_transpose2d";
  return {.name = kernel,
          .source = library_text("conv2d.ax"),
          .kernel = kernel,
          .sizes = {{0, 1, 3, 3}, {1, 1, 3, 2}, {2, 3, 5, 7}, {1, 2, 9, 17}},
          .inputs =
              [transposed](const Sizes& n, Numbers& draw) {
                Values values;
                if (transposed) {
                  values["x"] = draw.floats({n[0], n[1], 2, n[2], n[3]});
                  values["w"] = draw.floats({n[1], 2, 2, 3, 2});
                } else {
                  values["x"] = draw.floats({n[0], 2 * n[1], n[2], n[3]});
                  values["w"] = draw.floats({2 * n[1], 2, 3, 2});
                  values["groups"] = n[1];
                }
                values["stride_y"] = std::int64_t{2};
                values["pad_y"] = std::int64_t{1};
                values["dilation_y"] = std::int64_t{2};
                return values;
              },
          .large = {2, 3, 19, 35}};
}

/// Sizes: images, channels, positions; one group, or channels by themselves.
Case channels(const std::string& kernel) {
  return {.name = kernel,
          .source = library_text("channel_norm.ax"),
          .kernel = kernel,
          .sizes = {{0, 3, 2}, {1, 1, 1}, {2, 3, 17}, {5, 4, 33}},
          .inputs = [](const Sizes& n, Numbers& draw) { return Values{{"x", draw.floats({n[0], n[1], n[2]})}}; },
          .large = {7, 12, 130}};
}

/// A gradient by rows x and dy, with what `more` draws beside them; sizes: rows, columns.
Case backward(const std::string& kernel, const std::vector<std::string>& matrices,
              const std::function<void(const Sizes&, Numbers&, Values&)>& more = nullptr) {
  return {.name = kernel,
          .source = library_text("backward.ax"),
          .kernel = kernel,
          .sizes = kRows,
          .inputs =
              [matrices, more](const Sizes& n, Numbers& draw) {
                Values values;
                for (const std::string& name : matrices) values[name] = draw.floats({n[0], n[1]});
                if (more) more(n, draw, values);
                return values;
              },
          .large = {301, 130}};
}

/// Two query heads to each key head; sizes: key heads, queries, keys.
Case attention_backward() {
  return {.name = "attention_backward",
          .source = library_text("backward.ax"),
          .kernel = "attention_backward",
          .sizes = {{1, 1, 1}, {2, 3, 7}, {1, 5, 2}, {1, 17, 17}},
          .inputs =
              [](const Sizes& n, Numbers& draw) {
                return Values{{"q", draw.floats({1, 2 * n[0], n[1], 5})},
                              {"k", draw.floats({1, n[0], n[2], 5})},
                              {"v", draw.floats({1, n[0], n[2], 3})},
                              {"dout", draw.floats({1, 2 * n[0], n[1], 3})},
                              {"scale", 0.5},
                              {"causal", true}};
              },
          .large = {2, 40, 50}};
}

/// Sizes: rows, classes, depth.
Case linear_cross_entropy() {
  return {.name = "linear_cross_entropy",
          .source = library_text("cross_entropy.ax"),
          .kernel = "linear_cross_entropy",
          .sizes = {{0, 2, 3}, {1, 1, 1}, {5, 17, 3}, {3, 40, 9}},
          .inputs =
              [](const Sizes& n, Numbers& draw) {
                return Values{{"x", draw.floats({n[0], n[2]})},
                              {"w", draw.floats({n[1], n[2]})},
                              {"target", draw.integers({n[0]}, 0, n[1])}};
              },
          .large = {37, 301, 20}};
}

/// A layer that learns; sizes: steps, sequences, inputs, neurons. Weights are eighths, so that spikes are certain.
Case spiking() {
  return {.name = "lif_stdp",
          .source = library_text("spiking.ax"),
          .kernel = "lif_stdp",
          .sizes = {{0, 1, 2, 3}, {1, 1, 1, 1}, {3, 2, 17, 5}, {2, 3, 4, 33}},
          .inputs =
              [](const Sizes& n, Numbers& draw) {
                auto weights = draw.integers({n[3], n[2]}, -8, 8);
                for (double& w : weights.values) w /= 8;
                weights.dtype = DType::kF32;
                return Values{
                    {"spikes", draw.integers({n[0], n[1], n[2]}, 0, 2, DType::kBool)},
                    {"w", std::move(weights)},
                    {"v", ax::testing::HostArray{.dtype = DType::kF32,
                                                 .shape = {n[1], n[3]},
                                                 .values = std::vector<double>(static_cast<std::size_t>(n[1] * n[3]))}},
                    {"wait", draw.integers({n[1], n[3]}, 0, 3)},
                    {"pre_trace", draw.floats({n[1], n[2]})},
                    {"post_trace", draw.floats({n[1], n[3]})},
                    {"decay", 0.5}};
              },
          .large = {3, 4, 130, 67}};
}

}  // namespace

const std::vector<Case>& library_cases() {
  static const std::vector<Case> cases = {
      rows("scans.ax", "cumsum", {{"exclusive", true}}),
      rows("scans.ax", "cumprod"),
      rows("scans.ax", "cummax"),
      rows("scans.ax", "cummin", {{"backwards", true}}),
      first_in_order("top_k"),
      first_in_order("bottom_k"),
      first_in_order("top_k_sorted"),
      first_in_order("bottom_k_sorted"),
      rows("sort.ax", "sort"),
      scatter("segment_sum", "x", "S"),
      scatter("embedding_backward", "dy", "V"),
      convolution("conv2d"),
      convolution("conv_transpose2d"),
      pooling("max_pool2d"),
      pooling("avg_pool2d"),
      channels("group_norm"),
      channels("batch_norm_training"),
      linear_cross_entropy(),
      backward("softmax_backward", {"y", "dy"}),
      backward("layer_norm_backward", {"x", "dy"}),
      backward("rms_norm_backward", {"x", "dy"}),
      backward("cross_entropy_backward", {"x"},
               [](const Sizes& n, Numbers& draw, Values& values) {
                 values["target"] = draw.integers({n[0]}, 0, n[1]);
                 values["dloss"] = draw.floats({n[0]});
               }),
      attention_backward(),
      spiking(),
      {.name = "binary_cross_entropy_with_logits_total",
       .source = library_text("losses.ax"),
       .kernel = "binary_cross_entropy_with_logits_total",
       .sizes = kRows,
       .inputs =
           [](const Sizes& n, Numbers& draw) {
             return Values{{"x", draw.floats({n[0], n[1]})}, {"target", draw.floats({n[0], n[1]})}};
           },
       .large = {301, 130}},
      {.name = "histogram",
       .source = library_text("segments.ax"),
       .kernel = "histogram",
       .sizes = {{0, 2}, {1, 2}, {17, 3}, {130, 9}},
       .inputs =
           [](const Sizes& n, Numbers& draw) {
             Values values = {{"x", draw.floats({n[0]})}};
             std::vector<double> edges;
             for (std::int64_t e = 0; e < n[1]; ++e) edges.push_back(static_cast<double>(e) / 4 - 1);
             values["edges"] = ax::testing::numbers(edges);
             return values;
           },
       .large = {10'007, 40}},
  };
  return cases;
}

}  // namespace aurex::testing

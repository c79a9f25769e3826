#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <utility>

#include "case.h"

namespace aurex::testing {
namespace {

using ax::testing::Values;

/// A file of the library that uses no other.
std::string library_text(const std::string& file) {
  std::ifstream stream(AUREX_SOURCE_DIR "/src/aurex/ops/" + file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

const std::vector<Sizes> kRows = {{0, 3}, {1, 1}, {3, 7}, {2, 16}, {5, 33}};

Case rows(const std::string& file, const std::string& kernel, Values scalars = {}) {
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

/// Sizes: images, channels, positions; one group, or channels by themselves.
Case channels(const std::string& kernel) {
  return {.name = kernel,
          .source = library_text("channel_norm.ax"),
          .kernel = kernel,
          .sizes = {{0, 3, 2}, {1, 1, 1}, {2, 3, 17}, {5, 4, 33}},
          .inputs = [](const Sizes& n, Numbers& draw) { return Values{{"x", draw.floats({n[0], n[1], n[2]})}}; },
          .large = {7, 12, 130}};
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
      scatter("segment_sum", "x", "S"),
      scatter("embedding_backward", "dy", "V"),
      pooling("max_pool2d"),
      pooling("avg_pool2d"),
      channels("group_norm"),
      channels("batch_norm_training"),
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

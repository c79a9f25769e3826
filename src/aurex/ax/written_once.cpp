// Rules 16 and 34: a result without start value is written exactly once, element by element.
//
// Known are whole axes, unbounded variables, affine permutations, and literal indices that together cover a fixed
// extent.

#include <algorithm>
#include <map>
#include <set>

#include "aurex/ax/program_rules.h"

namespace aurex::ax {
namespace {

struct WrittenDim {
  AxisId axis = kNone;        // every position once
  std::int64_t literal = -1;  // this one only
};

struct Write {
  std::vector<WrittenDim> dims;
  std::string flaw;  // why it is not exactly once; empty where it is
  Span span;
};
using Writes = std::map<ArrayId, std::vector<Write>>;

class WriteWalk {
 public:
  WriteWalk(const ProgramBuilder& builder, const std::vector<DimId>& dim_class, DiagnosticSink& sink)
      : builder_(builder), program_(builder.program), dim_class_(dim_class), sink_(sink) {}

  void run() {
    body(program_.body);
    for (ArrayId id = 0; id < program_.arrays.size(); ++id) {
      const Array& array = program_.arrays[id];
      if (array.role != ArrayRole::kResult || array.start != kNone) continue;
      if (!writes_.contains(id)) {
        sink_.error(Code::kNeverWritten, array.span, "result `" + array.name + "` is never written")
            .help("store to it, or give it a start value: `-> (" + array.name + ": … = 0)`");
        continue;
      }
      const std::vector<Write>& writes = writes_[id];
      const std::string flaw = flaw_of(array, writes);
      if (flaw.empty()) continue;
      Diagnostic& diagnostic =
          sink_.error(Code::kNotWrittenOnce, writes.back().span,
                      "it is not certain that every element of `" + array.name + "` is written exactly once");
      diagnostic.note(writes.back().span, flaw);
      diagnostic.help("cover every axis from end to end, or give it a start value: `-> (" + array.name + ": … = 0)`");
    }
  }

 private:
  [[nodiscard]] bool wanted(ArrayId id) const {
    return program_.arrays[id].role == ArrayRole::kResult && program_.arrays[id].start == kNone;
  }

  void body(const Body& statements) {
    for (const Stmt& stmt : statements) {
      if (const auto* node = std::get_if<Parallel>(&stmt.node)) {
        around_.insert(around_.end(), node->axes.begin(), node->axes.end());
        body(node->body);
        around_.resize(around_.size() - node->axes.size());
      }
      if (const auto* node = std::get_if<For>(&stmt.node)) {
        const bool bounded = node->lo != kNone || node->hi != kNone;
        around_.push_back(node->axis);
        if (bounded) bounded_.insert(node->axis);
        body(node->body);
        around_.pop_back();
      }
      if (const auto* node = std::get_if<While>(&stmt.node)) {
        ++whiles_;
        body(node->body);
        --whiles_;
      }
      if (const auto* node = std::get_if<If>(&stmt.node)) branch(*node, stmt.span);
      if (const auto* node = std::get_if<Store>(&stmt.node); node != nullptr && wanted(node->array))
        store(*node, stmt.span);
    }
  }

  /// Both branches have to write the same elements, each exactly once.
  void branch(const If& node, Span span) {
    Writes before;
    std::swap(before, writes_);
    body(node.then_body);
    Writes yes;
    std::swap(yes, writes_);
    body(node.else_body);
    Writes no;
    std::swap(no, writes_);
    writes_ = std::move(before);
    std::set<ArrayId> arrays;
    for (const auto& [id, list] : yes) arrays.insert(id);
    for (const auto& [id, list] : no) arrays.insert(id);
    for (const ArrayId id : arrays) {
      const bool both = yes.contains(id) && no.contains(id);
      const bool complete =
          both && flaw_of(program_.arrays[id], yes[id]).empty() && flaw_of(program_.arrays[id], no[id]).empty();
      if (complete) {
        writes_[id].insert(writes_[id].end(), yes[id].begin(), yes[id].end());
      } else {
        writes_[id].push_back({.dims = {},
                               .flaw = both ? "the two branches of the `if` cover different elements"
                                            : "one branch of the `if` writes it, the other does not",
                               .span = span});
      }
    }
  }

  void store(const Store& node, Span span) {
    const Array& array = program_.arrays[node.array];
    Write write{.dims = {}, .flaw = {}, .span = span};
    std::set<AxisId> used;
    for (std::size_t i = 0; i < node.indices.size(); ++i) {
      const Index& index = node.indices[i];
      const DimId dim = array.dims[i].dim;
      const auto literal = index.value != kNone ? builder_.integer_constant(index.value) : std::nullopt;
      WrittenDim written;
      if (literal && program_.dims[dim].literal) {
        written.literal = *literal;
      } else {
        written.axis = covers_axis(builder_, index, dim, dim_class_);
        if (written.axis == kNone)
          flaw(write,
               "an index of `" + array.name + "` is not seen to cover the axis `" + program_.dims[dim].name + "`");
        if (written.axis != kNone && bounded_.contains(written.axis)) {
          flaw(write, "the loop over `" + program_.axes[written.axis].name + "` has bounds");
        }
        if (written.axis != kNone && !used.insert(written.axis).second) {
          flaw(write, "`" + program_.axes[written.axis].name + "` stands twice: that is the diagonal only");
        }
      }
      write.dims.push_back(written);
    }
    for (const AxisId axis : around_) {
      if (!used.contains(axis))
        flaw(write, "it is written again for every position of `" + program_.axes[axis].name + "`");
    }
    if (whiles_ > 0) flaw(write, "it is written in a `while` loop");
    if (node.unique) flaw(write, "`unique` says that no element is written twice, not that each one is written");
    writes_[node.array].push_back(std::move(write));
  }

  static void flaw(Write& write, std::string text) {
    if (write.flaw.empty()) write.flaw = std::move(text);
  }

  [[nodiscard]] std::string flaw_of(const Array& array, const std::vector<Write>& writes) const {
    std::set<std::vector<std::int64_t>> tuples;
    std::int64_t wanted = 1;
    for (const Write& write : writes) {
      if (!write.flaw.empty()) return write.flaw;
      std::vector<std::int64_t> tuple;
      for (const WrittenDim& dim : write.dims) tuple.push_back(dim.literal);
      if (!tuples.insert(tuple).second) return "it is written a second time here";
    }
    for (std::size_t i = 0; i < array.dims.size(); ++i) {
      const bool literal = writes[0].dims[i].literal >= 0;
      for (const Write& write : writes) {
        if ((write.dims[i].literal >= 0) != literal)
          return "some stores cover an axis that others index with a literal";
      }
      constexpr std::int64_t kMany = 1 << 20;
      if (literal) wanted = std::min(kMany, wanted * std::min(kMany, *program_.dims[array.dims[i].dim].literal));
    }
    if (static_cast<std::int64_t>(tuples.size()) == wanted) return {};
    return "the literal indices write " + std::to_string(tuples.size()) + " of " + std::to_string(wanted) +
           " positions";
  }

  const ProgramBuilder& builder_;
  const TileProgram& program_;
  const std::vector<DimId>& dim_class_;
  DiagnosticSink& sink_;
  Writes writes_;
  std::vector<AxisId> around_;
  std::set<AxisId> bounded_;
  int whiles_ = 0;
};

}  // namespace

void check_written_once(const ProgramBuilder& builder, const std::vector<DimId>& dim_class, DiagnosticSink& sink) {
  WriteWalk(builder, dim_class, sink).run();
}

}  // namespace aurex::ax

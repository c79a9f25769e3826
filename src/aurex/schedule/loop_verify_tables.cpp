#include "aurex/schedule/loop_verify_tables.h"

#include <algorithm>
#include <bit>
#include <set>

namespace aurex::schedule {
namespace {

constexpr std::int64_t kMaxAlign = 64;         // what arenas give
constexpr std::uint32_t kMaxArguments = 1024;  // code has a record for each

class TableVerifier {
 public:
  explicit TableVerifier(const LoopProgram& program) : program_(program) {}

  std::vector<std::string> run() {
    for (ExprId id = 0; id < program_.exprs.size(); ++id) check_expression(id);
    if (!complaints_.empty()) return std::move(complaints_);
    for (const Expr& e : program_.exprs) from_frame_.push_back(follows_from_frame(e));
    for (const Buffer& buffer : program_.buffers) check_buffer(buffer);
    for (const Register& reg : program_.registers) check_register(reg);
    for (const Site& site : program_.sites) {
      for (const Site::Axis& axis : site.axes) check_size(axis.extent, "axis " + axis.name + " of a site");
    }
    return std::move(complaints_);
  }

 private:
  void complain(std::string text) { complaints_.push_back(std::move(text)); }

  /// Expressions refer backwards and to things that exist; so walks over them cannot run away.
  void check_expression(ExprId id) {
    const Expr& e = program_.exprs[id];
    const auto backwards = [&](ExprId other) { return other == kNone || other < id; };
    bool fine = backwards(e.predicate) && backwards(e.otherwise);
    for (const ExprId arg : e.args) fine = fine && arg != kNone && backwards(arg);
    if (!fine) complain("expression " + std::to_string(id) + " uses one that comes later");
    if (!exists(e)) complain("expression " + std::to_string(id) + " names something that does not exist");
  }

  bool exists(const Expr& e) const {
    switch (e.kind) {
      case Expr::Kind::kScalar:
        return e.id < program_.scalars.size();
      case Expr::Kind::kExtent:
        return e.id < program_.extent_count;
      case Expr::Kind::kVar:
        return e.id < program_.vars.size();
      case Expr::Kind::kLet:
        return e.id < program_.lets.size();
      case Expr::Kind::kReg:
      case Expr::Kind::kTree:
        return e.id < program_.registers.size() && e.args.size() == program_.registers[e.id].shape.size();
      case Expr::Kind::kLoad:
        return e.id < program_.buffers.size() && e.args.size() == program_.buffers[e.id].extents.size();
      case Expr::Kind::kConst:
      case Expr::Kind::kOp:
        return true;
    }
    return false;
  }

  /// Made of what a frame holds; what the operands are made of is known.
  bool follows_from_frame(const Expr& e) const {
    switch (e.kind) {
      case Expr::Kind::kConst:
      case Expr::Kind::kScalar:
      case Expr::Kind::kExtent:
        return true;
      case Expr::Kind::kOp:
        return std::ranges::all_of(e.args, [this](ExprId arg) { return from_frame_[arg]; });
      default:
        return false;
    }
  }

  /// Planned before a call runs.
  void check_size(ExprId id, const std::string& what) {
    if (id >= program_.exprs.size()) return complain(what + ": an extent or stride is missing");
    if (program_.exprs[id].type != RegType::kI64) complain(what + ": an extent or stride is not i64");
    if (!from_frame_[id]) {
      complain(what + ": an extent or stride is made of more than constants, scalars and extents");
    }
  }

  void check_buffer(const Buffer& b) {
    const std::string name = "buffer " + b.name;
    if (b.stride.size() != b.extents.size()) return complain(name + ": a stride class per dimension, please");
    for (const ExprId extent : b.extents) check_size(extent, name);
    if (b.kind == Buffer::Kind::kArgument) {
      if (b.slots.size() != b.extents.size()) complain(name + ": a stride slot per dimension, please");
      if (b.array >= kMaxArguments) {
        complain(name + " names an argument beyond the last");
      } else if (!arguments_.insert(b.array).second) {
        complain(name + " names an argument that another one names");
      }
      return;
    }
    if (b.align < 1 || b.align > kMaxAlign || !std::has_single_bit(static_cast<std::uint64_t>(b.align))) {
      complain(name + ": an alignment that is no power of two up to 64");
    }
    for (std::size_t d = 0; d < b.stride.size(); ++d) check_scratch_dimension(b, d, name);
  }

  void check_scratch_dimension(const Buffer& b, std::size_t d, const std::string& name) {
    switch (b.stride[d]) {
      case Buffer::Stride::kPack:
      case Buffer::Stride::kZero:
        return complain(name + ": scratch is neither a pack nor broadcast");
      case Buffer::Stride::kUnit:
        if (d + 1 != b.stride.size()) complain(name + ": a dimension of scratch that is not the last has stride 1");
        return;
      case Buffer::Stride::kAny:
        break;
    }
    if (b.strides.empty()) return;  // dense
    check_size(d < b.strides.size() ? b.strides[d] : kNone, name);
  }

  void check_register(const Register& reg) {
    if (!is_lane_count(reg.lanes) || reg.vectors < 1) {
      complain("register " + reg.name + ": a number of lanes that is no power of two up to 64");
    }
    for (const std::int64_t extent : reg.shape) {
      if (extent < 1) complain("register " + reg.name + " has no elements");
    }
  }

  const LoopProgram& program_;
  std::vector<bool> from_frame_;  // per expression
  std::set<std::uint32_t> arguments_;
  std::vector<std::string> complaints_;
};

}  // namespace

bool is_lane_count(std::int32_t lanes) {
  return lanes >= 1 && lanes <= 64 && std::has_single_bit(static_cast<std::uint32_t>(lanes));
}

std::vector<std::string> verify_tables(const LoopProgram& program) { return TableVerifier(program).run(); }

}  // namespace aurex::schedule

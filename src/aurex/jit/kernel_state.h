#pragma once

// What all copies of a Kernel share: its checked source and the variants specialised so far.

#include <atomic>
#include <memory>
#include <mutex>
#include <span>

#include "aurex/ax/check.h"
#include "aurex/jit/variant.h"

namespace aurex {
struct Argument;
struct TensorView;
}  // namespace aurex

namespace aurex::jit {

class KernelState {
 public:
  KernelState(std::shared_ptr<const ax::CheckedModule> module, ax::KernelInterface interface, double parse_ms,
              schedule::Schedule pins = {});
  ~KernelState();
  KernelState(const KernelState&) = delete;
  KernelState& operator=(const KernelState&) = delete;

  [[nodiscard]] const ax::KernelInterface& interface() const { return interface_; }
  [[nodiscard]] const schedule::Target& target() const { return source_.target; }
  /// What its code is made from.
  [[nodiscard]] const CodeSource& source() const { return source_; }
  [[nodiscard]] double parse_ms() const { return parse_ms_; }
  /// The same kernel by another schedule, with no code yet. Raises InvalidConfig where that is for another kernel or
  /// target.
  [[nodiscard]] std::shared_ptr<KernelState> with_schedule(schedule::Schedule pins) const;

  /// The variant for what the arguments and given results say. Without a lock when it exists.
  /// Raises ArgumentError for missing or surplus arguments, CompileError where types do not fit.
  [[nodiscard]] Variant& variant_for(std::span<const Argument> arguments, std::span<const TensorView* const> results);

 private:
  [[nodiscard]] Variant* find(std::span<const Argument> arguments, std::span<const TensorView* const> results) const;
  [[nodiscard]] ax::Specialization specialization(std::span<const Argument> arguments,
                                                  std::span<const TensorView* const> results) const;
  void check_arguments(std::span<const Argument> arguments, std::span<const TensorView* const> results) const;

  void check_results(const Variant& variant, std::span<const TensorView* const> results) const;

  const ax::KernelInterface interface_;
  const CodeSource source_;
  const double parse_ms_;
  std::atomic<Variant*> variants_ = nullptr;
  std::mutex specializing_;
};

}  // namespace aurex::jit

// The C interface over jit/kernel.h: no exception and no C++ type passes this file.

#include "aurex.h"

#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aurex/base/error.h"
#include "aurex/jit/kernel.h"

struct aurex_kernel {
  aurex::Kernel kernel;
};

struct aurex_module {
  std::vector<aurex_kernel> kernels;
};

namespace {

static_assert(AUREX_F64 == static_cast<int>(aurex::DType::kF64) && AUREX_MAX_RANK == aurex::kMaxRank);
static_assert(AUREX_IO_ERROR == static_cast<int>(aurex::ErrorCode::kIoError) + 1);

thread_local std::string last_message;

aurex_status fail(aurex_status status, const char* message) noexcept {
  try {
    last_message = message;
  } catch (const std::bad_alloc&) {
    last_message.clear();
  }
  return status;
}

/// Runs `body` and turns what it raises into a status. ErrorCode and aurex_status have the same order, one apart.
template <typename Body>
aurex_status guarded(Body&& body) noexcept {
  try {
    body();
    return AUREX_OK;
  } catch (const aurex::Error& error) {
    return fail(static_cast<aurex_status>(static_cast<int>(error.code()) + 1), error.what());
  } catch (const std::bad_alloc& error) {
    return fail(AUREX_OUT_OF_MEMORY, error.what());
  } catch (const std::exception& error) {
    return fail(AUREX_INTERNAL_ERROR, error.what());
  } catch (...) {
    return fail(AUREX_INTERNAL_ERROR, "an exception of an unknown type");
  }
}

template <typename T>
T& require(T* pointer, const char* what) {
  if (pointer == nullptr) throw aurex::InvalidConfig(std::string(what) + " is null");
  return *pointer;
}

aurex::TensorView view_of_array(const aurex_array& array) {
  if (array.rank < 0 || array.rank > AUREX_MAX_RANK) {
    throw aurex::DimensionMismatch("rank " + std::to_string(array.rank) + " is not within 0 and 16", AUREX_MAX_RANK,
                                   array.rank);
  }
  if (array.dtype < AUREX_BOOL || array.dtype > AUREX_F64) {
    throw aurex::DTypeMismatch("no element type has the number " + std::to_string(static_cast<int>(array.dtype)));
  }
  const auto rank = static_cast<std::size_t>(array.rank);
  if (rank > 0) static_cast<void>(require(array.shape, "the shape of an array"));
  const aurex::Dims shape(std::span(array.shape, rank));
  aurex::TensorView view = aurex::contiguous_view(array.data, static_cast<aurex::DType>(array.dtype), shape);
  if (array.strides != nullptr) view.strides = aurex::Dims(std::span(array.strides, rank));
  if (aurex::element_count(shape) > 0)
    static_cast<void>(require(static_cast<const char*>(array.data), "the data of an array"));
  return view;
}

aurex::Argument to_argument(const aurex_argument& given, std::vector<aurex::TensorView>& views) {
  switch (given.kind) {
    case AUREX_ARGUMENT_ABSENT:
      return {};
    case AUREX_ARGUMENT_ARRAY:
      views.push_back(view_of_array(require(given.array, "the array of an argument")));
      return views.back();
    case AUREX_ARGUMENT_FLOAT:
      return given.number;
    case AUREX_ARGUMENT_INT:
      return given.integer;
    case AUREX_ARGUMENT_BOOL:
      return given.integer != 0;
  }
  throw aurex::ArgumentError("an argument is of no kind");
}

aurex_module* to_module(const aurex::Module& compiled) {
  auto module = std::make_unique<aurex_module>();
  for (const aurex::Kernel& kernel : compiled.kernels()) module->kernels.push_back({kernel});
  return module.release();
}

}  // namespace

aurex_status aurex_compile(const char* text, size_t length, const char* name, aurex_module** module) {
  return guarded([&] {
    aurex_module*& place = require(module, "the place for the module");
    place = nullptr;
    place = to_module(aurex::compile(std::string_view(&require(text, "the text"), length), name ? name : "<text>"));
  });
}

aurex_status aurex_load(const char* path, aurex_module** module) {
  return guarded([&] {
    aurex_module*& place = require(module, "the place for the module");
    place = nullptr;
    place = to_module(aurex::load(&require(path, "the path")));
  });
}

void aurex_free_module(aurex_module* module) { delete module; }

size_t aurex_kernel_count(const aurex_module* module) { return module == nullptr ? 0 : module->kernels.size(); }

const char* aurex_kernel_name(const aurex_module* module, size_t index) {
  return index < aurex_kernel_count(module) ? module->kernels[index].kernel.name().c_str() : nullptr;
}

aurex_status aurex_get_kernel(const aurex_module* module, const char* name, const aurex_kernel** kernel) {
  return guarded([&] {
    const aurex_kernel*& place = require(kernel, "the place for the kernel");
    place = nullptr;
    const std::string_view wanted = &require(name, "the name");
    std::string known;
    for (const aurex_kernel& each : require(module, "the module").kernels) {
      if (each.kernel.name() == wanted) place = &each;
      known += (known.empty() ? "" : ", ") + each.kernel.name();
    }
    if (place == nullptr) {
      throw aurex::ArgumentError("no kernel is called '" + std::string(wanted) + "'; there are: " + known);
    }
  });
}

const char* aurex_kernel_signature(const aurex_kernel* kernel) {
  return kernel == nullptr ? "" : kernel->kernel.interface().signature.c_str();
}

aurex_status aurex_call(const aurex_kernel* kernel, const aurex_argument* arguments, size_t argument_count,
                        const aurex_array* results, size_t result_count) {
  return guarded([&] {
    const aurex::Kernel& callee = require(kernel, "the kernel").kernel;
    if (argument_count > 0) static_cast<void>(require(arguments, "the list of arguments"));
    if (result_count > 0) static_cast<void>(require(results, "the list of results"));
    if (result_count != callee.interface().results.size()) {
      throw aurex::ArgumentError(callee.name() + " has " + std::to_string(callee.interface().results.size()) +
                                 " results, " + std::to_string(result_count) + " places were given");
    }
    std::vector<aurex::TensorView> views;
    views.reserve(argument_count + result_count);  // arguments and results keep pointers into it
    std::vector<aurex::Argument> inputs;
    for (const aurex_argument& given : std::span(arguments, argument_count))
      inputs.push_back(to_argument(given, views));
    std::vector<const aurex::TensorView*> outputs;
    for (const aurex_array& result : std::span(results, result_count)) {
      outputs.push_back(&views.emplace_back(view_of_array(result)));
    }
    aurex::jit::Call(callee.state(), inputs, outputs, {}).run();
  });
}

const char* aurex_error_message(void) { return last_message.c_str(); }

const char* aurex_status_name(aurex_status status) {
  if (status == AUREX_OK) return "Ok";
  if (status < AUREX_OK || status >= AUREX_INTERNAL_ERROR) return "InternalError";
  return aurex::to_string(static_cast<aurex::ErrorCode>(static_cast<int>(status) - 1)).data();
}

const char* aurex_version(void) { return AUREX_VERSION; }

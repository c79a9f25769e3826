#pragma once

// The commands of `aurex`, one function and one file each. options.cpp fills the structs from the command line; nothing
// here knows how arguments are spelt. Every command writes results to standard output and messages to standard error
// and returns the exit status; a refused input leaves as an exception, which main.cpp turns into a message and a
// status.

#include <stdexcept>
#include <string>
#include <vector>

#include "cli/console.h"

namespace aurex::cli {

enum ExitStatus : int {
  kDone = 0,
  kRefused = 1,  ///< the input: a program, a file, an argument
  kUsage = 2,    ///< the command line itself
  kDeviceMissing = 3,
  kInternal = 4,
};

/// A command line that cannot be understood.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct CheckOptions {
  std::vector<std::string> files;
};

struct RunOptions {
  std::string file;
  std::string kernel;                  // empty: the only one
  std::vector<std::string> arguments;  // NAME=VALUE
  std::vector<std::string> outputs;    // NAME=out.npy
  std::string device;                  // empty: the default device
  int threads = 0;                     // 0: as many as the process may use
  int repeat = 1;
  bool verify = false;
  bool safe = false;
  std::string profile;
  std::string schedule;  // file; empty: the cost model decides
};

struct CompileOptions {
  std::string file;
  std::string kernel;
  std::string target = "cpu";
  std::string emit;
  std::string shape;     // M=1024,N=64
  std::string schedule;  // file; empty: the cost model decides
  std::string output;    // empty: standard output
  bool timing = false;
};

struct BuildOptions {
  std::string file;
  std::vector<std::string> kernels;  // empty: all
  std::string target = "cpu";
  std::vector<std::string> types;  // T=f64
  std::string shape;               // M=1024,N=64
  std::string prefix;              // of every name in C
  std::string object;
  std::string header;
};

struct InfoOptions {
  std::string file;
};

struct CacheOptions {
  std::string kernel;
  std::string file;                    // empty: no call to look up
  std::vector<std::string> arguments;  // NAME=VALUE
  std::string schedule;                // file; empty: the cost model decides
};

int cache_list(const Console& console);
int cache_explain(const CacheOptions& options, const Console& console);
int cache_clear(const Console& console);
int devices(const Console& console);
int check(const CheckOptions& options, const Console& console);
int run(const RunOptions& options, const Console& console);
int compile(const CompileOptions& options, const Console& console);
int build(const BuildOptions& options, const Console& console);
int info(const InfoOptions& options, const Console& console);

}  // namespace aurex::cli

#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

namespace aurex::cli {
namespace {

/// What the options are bound to while CLI11 parses; commands share it with the line that is returned.
struct Parsed {
  CheckOptions check;
  RunOptions run;
  CompileOptions compile;
  BuildOptions build;
  InfoOptions info;
  CacheOptions cache;
  std::function<int(const Console&)> command;
};

constexpr std::array kCommands = {"devices", "check", "run", "compile", "build", "info", "cache"};

/// CLI11 speaks of positionals, subcommands and TEXT; people of arguments, commands and what is to stand there.
void use_plain_help(CLI::App& app) {
  const auto formatter = std::make_shared<CLI::Formatter>();
  formatter->label("REQUIRED", "");
  formatter->label("SUBCOMMAND", "COMMAND");
  formatter->label("SUBCOMMANDS", "COMMANDS");
  formatter->label("Subcommands", "Commands");
  formatter->label("Positionals", "Arguments");
  formatter->column_width(34);
  app.formatter(formatter);
}

/// What could not be understood, and where the command explains itself.
std::string usage_failure(const CLI::App* app, const CLI::Error& error) {
  const auto chosen = app->get_subcommands();
  const std::string command = chosen.empty() ? "aurex" : "aurex " + chosen.front()->get_name();
  std::string what = error.what();
  const std::vector<std::string> surplus = app->remaining();
  if (chosen.empty()) {
    const auto word = std::ranges::find_if(surplus, [](const std::string& text) { return !text.starts_with('-'); });
    what = word == surplus.end() ? "a command is missing" : "'" + *word + "' is no command";
    what += "; there are";
    for (const char* name : kCommands) what += std::string(name == kCommands.front() ? " " : ", ") + name;
  }
  return "error: " + what + "\nsee " + command + " --help\n";
}

using Command = std::function<int(const Parsed&, const Console&)>;

CLI::App& add_command(CLI::App& app, const std::shared_ptr<Parsed>& parsed, const char* name, const char* description,
                      const char* example, const Command& command) {
  CLI::App& sub = *app.add_subcommand(name, description);
  sub.footer(std::string("Example:\n  ") + example);
  sub.fallthrough();  // --color and --json may stand after the command too
  Parsed* bound = parsed.get();
  sub.callback([bound, command] {
    bound->command = [bound, command](const Console& console) { return command(*bound, console); };
  });
  return sub;
}

void add_devices(CLI::App& app, const std::shared_ptr<Parsed>& parsed) {
  add_command(app, parsed, "devices", "What is here: devices, cores, vector features, memory, measured ceilings",
              "aurex devices --json", [](const Parsed&, const Console& console) { return devices(console); });
}

void add_check(CLI::App& app, const std::shared_ptr<Parsed>& parsed) {
  CLI::App& sub = add_command(app, parsed, "check", "Check programs, and that no result depends on the tile size",
                              "aurex check softmax.ax",
                              [](const Parsed& given, const Console& console) { return check(given.check, console); });
  sub.add_option("FILE", parsed->check.files, "AX files")->required()->type_name("");
}

void add_run(CLI::App& app, const std::shared_ptr<Parsed>& parsed) {
  RunOptions& options = parsed->run;
  CLI::App& sub = add_command(app, parsed, "run", "Compile a kernel and run it",
                              "aurex run softmax.ax x=random:f32[128,64] -o y=out.npy --verify",
                              [](const Parsed& given, const Console& console) { return run(given.run, console); });
  sub.add_option("FILE", options.file, "AX file")->required()->type_name("");
  sub.add_option("NAME=VALUE", options.arguments,
                 "Arguments by their names in the kernel, and extents that no argument carries (N=64). A value is 3, "
                 "0.5, true, x.npy, or drawn: random:f32[128,64], zeros:…, ones:…, arange:…")
      ->type_name("");
  sub.add_option("--kernel,-k", options.kernel, "Which kernel; needed where the file has several")->type_name("NAME");
  sub.add_option("--output,-o", options.outputs, "Store a result: y=out.npy")
      ->allow_extra_args(false)
      ->type_name("NAME=FILE");
  sub.add_option("--device", options.device, "Device to run on; `aurex devices` lists them")->type_name("DEVICE");
  sub.add_option("--threads", options.threads, "Threads to use, 1 to 1024; all that the process may use without")
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("N");
  sub.add_option("--repeat", options.repeat, "Run so many times more and print the best and the median time")
      ->check(CLI::Validator(CLI::PositiveNumber).description(""))
      ->type_name("N");
  sub.add_flag("--verify", options.verify,
               "Compare with the interpreter; exit status 1 where the difference is more than the rounding's bound");
  sub.add_flag("--safe", options.safe,
               "Run in the interpreter and look for uninitialised reads, where NaN comes from, "
               "broken `unique` promises and division by zero");
  sub.add_option("--schedule", options.schedule,
                 "File with a schedule to compile by, as compile --emit schedule prints it")
      ->type_name("FILE");
  sub.add_option("--profile", options.profile, "Store a trace of the run for chrome://tracing or Perfetto")
      ->type_name("FILE");
}

void add_compile(CLI::App& app, const std::shared_ptr<Parsed>& parsed) {
  CompileOptions& options = parsed->compile;
  CLI::App& sub =
      add_command(app, parsed, "compile", "Show what a kernel becomes on the way to machine code",
                  "aurex compile softmax.ax --emit asm --shape C=1024",
                  [](const Parsed& given, const Console& console) { return compile(given.compile, console); });
  sub.add_option("FILE", options.file, "AX file")->required()->type_name("");
  sub.add_option("--kernel,-k", options.kernel, "Which kernel; needed where the file has several")->type_name("NAME");
  sub.add_option("--target", options.target, "cpu (what this machine runs best), cpu.avx2, cpu.avx512, …")
      ->type_name("TARGET");
  sub.add_option("--emit", options.emit, "What to print: the syntax, the tile program, the loop program, …")
      ->check(CLI::IsMember({"ast", "tile", "loop", "schedule", "llvm", "asm", "obj"}));
  sub.add_option("--shape", options.shape, "Extents that the code is chosen for: M=1024,N=64 (others: 64)")
      ->type_name("NAME=N,…");
  sub.add_option("--schedule", options.schedule, "File with a schedule to compile by, as --emit schedule prints it")
      ->type_name("FILE");
  sub.add_option("--output,-o", options.output, "File to write to; standard output without")->type_name("FILE");
  sub.add_flag("--timing", options.timing, "Print the time of each stage from text to callable code");
}

void add_build(CLI::App& app, const std::shared_ptr<Parsed>& parsed) {
  BuildOptions& options = parsed->build;
  CLI::App& sub = add_command(app, parsed, "build", "Compile kernels ahead of time: an object and a C header",
                              "aurex build softmax.ax -o softmax.o --header softmax.h --target cpu.avx2",
                              [](const Parsed& given, const Console& console) { return build(given.build, console); });
  sub.add_option("FILE", options.file, "AX file")->required()->type_name("");
  sub.add_option("--output,-o", options.object, "Object file to write")->required()->type_name("FILE");
  sub.add_option("--header", options.header, "C header to write; it needs no other file of Aurex")->type_name("FILE");
  sub.add_option("--kernel,-k", options.kernels, "Which kernels; all of the file without")->type_name("NAME");
  sub.add_option("--type,-t", options.types, "Storage type of a type variable: T=f64 (f32 where nothing is said)")
      ->type_name("NAME=TYPE");
  sub.add_option("--target", options.target, "cpu (what this machine runs best), cpu.avx2, cpu.avx512, …")
      ->type_name("TARGET");
  sub.add_option("--prefix", options.prefix, "What every name in C begins with: my_ makes softmax my_softmax")
      ->type_name("TEXT");
  sub.add_option("--shape", options.shape, "Extents that the code is chosen for; it is right for all (others: 64)")
      ->type_name("NAME=N,…");
}

void add_info(CLI::App& app, const std::shared_ptr<Parsed>& parsed) {
  CLI::App& sub = add_command(app, parsed, "info", "What is in an .npy or .ax file", "aurex info x.npy",
                              [](const Parsed& given, const Console& console) { return info(given.info, console); });
  sub.add_option("FILE", parsed->info.file, "The file")->required()->type_name("");
}

void add_cache(CLI::App& app, const std::shared_ptr<Parsed>& parsed) {
  CLI::App& sub = *app.add_subcommand("cache", "Compiled kernels on disk: what is stored, why a look-up missed");
  sub.footer("Example:\n  aurex cache list");
  sub.fallthrough();
  sub.require_subcommand(1);
  add_command(sub, parsed, "list", "What is stored, and how much room it takes", "aurex cache list --json",
              [](const Parsed&, const Console& console) { return cache_list(console); });
  CLI::App& explain =
      add_command(sub, parsed, "explain",
                  "The entries of a kernel; with a file and arguments, whether that call is found and why not",
                  "aurex cache explain softmax softmax.ax x=random:f32[128,64]",
                  [](const Parsed& given, const Console& console) { return cache_explain(given.cache, console); });
  CacheOptions& options = parsed->cache;
  explain.add_option("KERNEL", options.kernel, "The kernel's name")->required()->type_name("");
  explain.add_option("FILE", options.file, "AX file of a call to look up; nothing is compiled or run")->type_name("");
  explain.add_option("NAME=VALUE", options.arguments, "Arguments of the call, as `aurex run` takes them")
      ->type_name("");
  explain.add_option("--schedule", options.schedule, "File with the schedule of the call")->type_name("FILE");
  add_command(sub, parsed, "clear", "Remove every stored kernel", "aurex cache clear",
              [](const Parsed&, const Console& console) { return cache_clear(console); });
}

}  // namespace

CommandLine parse(int argc, char** argv) {
  CommandLine line;
  const auto parsed = std::make_shared<Parsed>();
  CLI::App app("AX kernels: check, run, compile and look at them", "aurex");
  use_plain_help(app);
  app.failure_message(usage_failure);
  app.set_version_flag("--version", "aurex " AUREX_VERSION, "Print the version and exit");
  app.require_subcommand(1);
  app.footer(
      "Example:\n  aurex run softmax.ax x=random:f32[128,64]\n\n"
      "Exit status: 0 done, 1 refused input, 2 usage, 3 device missing, 4 internal.");
  const std::map<std::string, ColorMode> colors = {
      {"auto", ColorMode::kAuto}, {"always", ColorMode::kAlways}, {"never", ColorMode::kNever}};
  app.add_option("--color", line.color, "Colour in diagnostics: auto (on a terminal), always or never")
      ->transform(CLI::CheckedTransformer(colors).description(""))
      ->type_name("WHEN");
  app.add_flag("--json", line.json, "Results as JSON");
  add_devices(app, parsed);
  add_check(app, parsed);
  add_run(app, parsed);
  add_compile(app, parsed);
  add_build(app, parsed);
  add_info(app, parsed);
  add_cache(app, parsed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    line.status = app.exit(error) == 0 ? kDone : kUsage;
    return line;
  }
  line.command = [parsed](const Console& console) { return parsed->command(console); };
  return line;
}

std::string describe_error(const Error& error) {
  std::string text(to_string(error.code()));
  text += ": " + error.message();
  if (const auto* format = dynamic_cast<const FormatError*>(&error); format && text.find("byte") == std::string::npos) {
    text += " (at byte " + std::to_string(format->offset) + ")";
  }
  return text;
}

}  // namespace aurex::cli

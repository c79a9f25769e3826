// Storage formats and schedules: sections 5 and 6 of the language. Their words (`block`, `part`, `value`, `separate`,
// `on`) are names everywhere else.

#include <fmt/format.h>

#include "aurex/ax/parser_state.h"

namespace aurex::ax {

using enum TokenKind;

// ---------------------------------------------------------------------------------------------------------------------
// Formats

syntax::Format Parser::format() {
  advance();
  syntax::Format result;
  result.name = lower_name("the name of the format");
  if (at(kLeftParen)) result.params = format_params();
  result.items = format_items(false);
  return result;
}

/// `(B: 64)`.
std::vector<syntax::NamedExtent> Parser::format_params() {
  const Span open = advance().span;
  std::vector<syntax::NamedExtent> result;
  do {
    syntax::NamedExtent parameter;
    parameter.name = upper_name("the name of a format's parameter");
    if (accept(kColon)) parameter.value = expression();
    result.push_back(std::move(parameter));
  } while (accept(kComma));
  expect_close(kRightParen, open);
  return result;
}

/// `{ items }` of a format or of one of its parts.
std::vector<syntax::FormatItem> Parser::format_items(bool inside_part) {
  const Span open = expect(kLeftBrace, "before the layout").span;
  std::vector<syntax::FormatItem> result;
  for (skip_terminators(); !at(kRightBrace); skip_terminators()) {
    if (at(kEnd) || at_declaration()) {
      fail(Code::kUnclosed, current_.span, fmt::format("expected `}}`, found {}", found()), {},
           Note{open, "the brace that is open here"});
    }
    try {
      result.push_back(format_item(inside_part));
      end_statement();
    } catch (const Recover&) {
      skip_statement();
      // A word that begins a statement means nothing here.
      if (!at(kTerminator) && !at(kRightBrace) && !at_declaration()) advance();
    }
  }
  advance();
  return result;
}

syntax::FormatItem Parser::format_item(bool inside_part) {
  const auto begin = here();
  syntax::FormatItem result;
  if (at(kFn)) {
    result.node = function();
  } else if (at_word("block") && kind_after() == kName) {
    result.node = format_block();
  } else if (at_word("part") && kind_after() == kLeftBrace && !inside_part) {
    advance();
    result.node = syntax::FormatPart{format_items(true)};
  } else if (at_word("value") && kind_after() == kAssign) {
    advance();
    advance();
    result.node = syntax::FormatValue{expression()};
  } else if (at(kName) && kind_after() == kAssign) {
    result.node = format_table();
  } else if (at(kName) && kind_after() == kColon) {
    result.node = format_field();
  } else {
    fail_expected(inside_part ? "`block`, a field, a table, `fn` or `value`"
                              : "`block`, `part`, a field, a table, `fn` or `value`");
  }
  result.span = since(begin);
  return result;
}

/// `block n: 2, l: 16`.
syntax::FormatBlock Parser::format_block() {
  advance();
  syntax::FormatBlock result;
  do {
    result.axes.push_back(named_extent("the name of a sub-axis"));
  } while (accept(kComma));
  return result;
}

syntax::NamedExtent Parser::named_extent(std::string_view what) {
  syntax::NamedExtent result;
  result.name = lower_name(what);
  expect(kColon, "before the extent");
  result.value = expression();
  return result;
}

/// `qs: u8[16]`, `absmax: f32 separate[row: 128]`.
syntax::FormatField Parser::format_field() {
  syntax::FormatField result;
  result.name = lower_name("the name of a field");
  advance();
  result.type = type_ref();
  if (at(kLeftBracket)) {
    const Span open = advance().span;
    result.shape = expressions_until(kRightBracket, open);
  }
  if (!at_word("separate")) return result;
  advance();
  result.separate = true;
  if (!at(kLeftBracket)) return result;
  const Span open = advance().span;
  auto& shape = result.separate_shape.emplace();
  if (accept(kRightBracket)) return result;
  do {
    shape.push_back(named_extent("`row` or `block`"));
  } while (accept(kComma));
  expect_close(kRightBracket, open);
  return result;
}

/// `levels = [-1, 0, 1]`.
syntax::FormatTable Parser::format_table() {
  syntax::FormatTable result;
  result.name = lower_name("the name of a table");
  advance();
  const Span open = expect(kLeftBracket, "before the entries of the table").span;
  result.entries = expressions_until(kRightBracket, open);
  return result;
}

// ---------------------------------------------------------------------------------------------------------------------
// Schedules

/// `schedule matmul on cpu.avx512 { … }`.
syntax::Schedule Parser::schedule() {
  advance();
  syntax::Schedule result;
  result.kernel = lower_name("the name of a kernel");
  if (!at_word("on")) fail_expected("`on` and a target");
  advance();
  result.target = name("a target");
  while (accept(kDot)) {
    const auto part = name("a part of the target's name");
    result.target.text += "." + part.text;
    result.target.span.end = part.span.end;
  }
  const Span open = expect(kLeftBrace, "before the entries").span;
  for (skip_terminators(); !at(kRightBrace); skip_terminators()) {
    if (!at(kName)) {
      fail(Code::kUnclosed, current_.span, fmt::format("expected an entry or `}}`, found {}", found()), {},
           Note{open, "the brace that is open here"});
    }
    result.entries.push_back(schedule_entry());
    end_statement();
  }
  advance();
  return result;
}

/// `m = 96 / 12`, `vector n`, `pack a, b`.
syntax::ScheduleEntry Parser::schedule_entry() {
  const auto begin = here();
  syntax::ScheduleEntry result;
  auto first = name("an entry");
  if (accept(kAssign)) {
    syntax::ScheduleSizes sizes{std::move(first), {}};
    do {
      sizes.sizes.push_back(integer(expect(kInteger, "as the size of a tile")));
    } while (accept(kSlash));
    result.node = std::move(sizes);
  } else {
    syntax::ScheduleDirective directive{std::move(first), {}};
    do {
      directive.operands.push_back(name("a loop, an axis or an array"));
    } while (accept(kComma));
    result.node = std::move(directive);
  }
  result.span = since(begin);
  return result;
}

}  // namespace aurex::ax

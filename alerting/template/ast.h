// The tree of a template. Made by parser.cpp, walked by execute.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/template/value.h"

namespace vedette::alerting::tmpl {

struct FunctionSpec;
struct Pipeline;

enum class OperandKind : std::uint8_t { kDot, kLiteral, kField, kVariable, kFunction, kPipeline };

/// `.A.B`, `$x.A`, `(pipeline).A`, `name`, `"text"`, `.`
struct Operand {
  OperandKind kind = OperandKind::kDot;
  Value literal;
  std::string name;  // of a variable ("$x") or function
  const FunctionSpec* function = nullptr;
  std::vector<std::string> fields;
  std::shared_ptr<const Pipeline> pipeline;
  std::uint32_t start = 0, end = 0;  // in the text
};

struct Pipeline {
  std::vector<std::string> variables;          // set by it: none, one, or two in `range $i, $e`
  bool assigns = false;                        // with `=` instead of `:=`
  std::vector<std::vector<Operand>> commands;  // never empty, neither are they
  std::uint32_t start = 0;
};

enum class StatementKind : std::uint8_t { kText, kAction, kIf, kRange, kWith, kTemplate, kBreak, kContinue };

struct Statement {
  StatementKind kind = StatementKind::kText;
  std::string text;                          // of kText; of kTemplate the name
  std::shared_ptr<const Pipeline> pipeline;  // null only for kText, kBreak, kContinue, and kTemplate without argument
  std::vector<Statement> body, otherwise;
  std::uint32_t start = 0;
};

struct Tree {
  std::string name, text;
  std::vector<Statement> main;
  std::map<std::string, std::vector<Statement>, std::less<>> defined;
};

}  // namespace vedette::alerting::tmpl

#include <algorithm>
#include <vector>

#include "alerting/template/ast.h"
#include "alerting/template/lexer.h"
#include "alerting/template/members.h"
#include "alerting/template/parser.h"
#include "alerting/template/template.h"

namespace vedette::alerting::tmpl {
namespace {

constexpr std::string_view kTypeOfText = "string";

class Execution {
 public:
  Execution(const Tree& tree, Environment& environment, const TemplateLimits& limits)
      : tree_(tree), environment_(environment), limits_(limits) {}

  Result<std::string> Run(const Value& dot, std::span<const Template::Variable> variables) {
    variables_.emplace_back("$", dot);
    for (const auto& [name, value] : variables) variables_.emplace_back(name, value);
    VEDETTE_TRY(const Flow flow, Block(tree_.main, dot));
    (void)flow;
    return std::move(out_);
  }

 private:
  enum class Flow { kOn, kBreak, kContinue };

  Error At(std::uint32_t start, std::uint32_t end, const Error& error) const {
    const std::string_view text = tree_.text;
    const std::size_t line_start = start == 0 ? 0 : text.rfind('\n', start - 1) + 1;
    std::string shown(text.substr(start, std::min<std::size_t>(end - start, 20)));
    if (end - start > 20) shown += "...";
    if (!shown.empty()) shown = fmt::format(" at <{}>", shown);
    return Fail(error.code == Code::kBadData ? Code::kExecution : error.code,
                "template: {}:{}:{}: executing \"{}\"{}: {}", tree_.name, LineOf(text, start), start - line_start,
                tree_.name, shown, error.message);
  }
  Error At(const Operand& operand, const Error& error) const { return At(operand.start, operand.end, error); }

  Status Step(std::uint32_t start) {
    if (++steps_ <= limits_.max_steps) return Ok();
    return At(start, start, Fail(Code::kLimit, "more than {} steps", limits_.max_steps));
  }

  /// Counts the text of a value that is kept.
  Status Charge(const Value& value, std::uint32_t start) {
    if (const std::string* text = value.IfText()) text_bytes_ += text->size();
    if (text_bytes_ <= limits_.max_text_bytes) return Ok();
    return At(start, start, Fail(Code::kLimit, "texts of more than {} bytes in all", limits_.max_text_bytes));
  }

  Status CheckOutput(std::uint32_t start) const {
    if (out_.size() <= limits_.max_output_bytes) return Ok();
    return At(start, start, Fail(Code::kLimit, "the text is longer than {} bytes", limits_.max_output_bytes));
  }

  Result<Flow> Block(const std::vector<Statement>& statements, const Value& dot) {
    const std::size_t scope = variables_.size();
    Flow flow = Flow::kOn;
    for (const Statement& statement : statements) {
      VEDETTE_CHECK(Step(statement.start));
      VEDETTE_TRY(flow, Run(statement, dot));
      VEDETTE_CHECK(CheckOutput(statement.start));
      if (flow != Flow::kOn) break;
    }
    variables_.resize(scope);
    return flow;
  }

  Result<Flow> Run(const Statement& statement, const Value& dot) {
    switch (statement.kind) {
      case StatementKind::kText:
        out_ += statement.text;
        return Flow::kOn;
      case StatementKind::kBreak:
        return Flow::kBreak;
      case StatementKind::kContinue:
        return Flow::kContinue;
      case StatementKind::kAction: {
        VEDETTE_TRY(const Value value, Evaluate(*statement.pipeline, dot));
        if (statement.pipeline->variables.empty()) AppendPrinted(out_, value, limits_.max_output_bytes + 1);
        return Flow::kOn;
      }
      case StatementKind::kTemplate:
        VEDETTE_CHECK(Invoke(statement, dot));
        return Flow::kOn;
      case StatementKind::kIf:
      case StatementKind::kWith:
        return Choose(statement, dot);
      case StatementKind::kRange:
        return Loop(statement, dot);
    }
    return Flow::kOn;
  }

  Result<Flow> Choose(const Statement& statement, const Value& dot) {
    const std::size_t scope = variables_.size();
    VEDETTE_TRY(const Value value, Evaluate(*statement.pipeline, dot));
    const bool narrows = statement.kind == StatementKind::kWith && value.Truth();
    auto flow = Block(value.Truth() ? statement.body : statement.otherwise, narrows ? value : dot);
    variables_.resize(scope);
    return flow;
  }

  Result<Flow> Loop(const Statement& statement, const Value& dot) {
    const std::size_t scope = variables_.size();
    VEDETTE_TRY(const Value value, Evaluate(*statement.pipeline, dot));
    variables_.resize(scope);
    std::vector<std::pair<Value, Value>> items;
    VEDETTE_CHECK(Enumerate(*statement.pipeline, value, items));
    steps_ += items.size();
    for (const auto& [key, item] : items) {
      VEDETTE_CHECK(Step(statement.start));
      const auto& names = statement.pipeline->variables;
      if (names.size() == 1) variables_.emplace_back(names[0], item);
      if (names.size() == 2) {
        variables_.emplace_back(names[0], key);
        variables_.emplace_back(names[1], item);
      }
      VEDETTE_TRY(const Flow flow, Block(statement.body, item));
      variables_.resize(scope);
      if (flow == Flow::kBreak) break;
    }
    if (!items.empty()) return Flow::kOn;
    return Block(statement.otherwise, dot);
  }

  /// Index and element of what range runs over.
  Status Enumerate(const Pipeline& pipeline, const Value& value, std::vector<std::pair<Value, Value>>& items) const {
    if (const List* list = value.IfList()) {
      for (std::size_t i = 0; i < list->size(); ++i) items.emplace_back(static_cast<std::int64_t>(i), (*list)[i]);
    } else if (const auto* labels = value.If<Labels>()) {
      for (const LabelView label : *labels) items.emplace_back(label.name, label.value);
    } else if (const Map* map = value.IfMap()) {
      for (const auto& [key, item] : *map) items.emplace_back(key, item);
    } else if (const auto* count = value.If<std::int64_t>()) {
      if (*count > static_cast<std::int64_t>(limits_.max_steps - std::min(steps_, limits_.max_steps))) {
        return At(pipeline.start, pipeline.start, Fail(Code::kLimit, "range over {} is too long", *count));
      }
      for (std::int64_t i = 0; i < *count; ++i) items.emplace_back(i, i);
    } else if (!value.IsNil()) {
      return At(pipeline.start, pipeline.start, Fail(Code::kBadData, "range can't iterate over {}", Printed(value)));
    }
    return Ok();
  }

  Status Invoke(const Statement& statement, const Value& dot) {
    Value argument;
    if (statement.pipeline) {
      VEDETTE_TRY(argument, Evaluate(*statement.pipeline, dot));
    }
    const Status done = RunDefined(statement.text, argument);
    return done ? Ok() : At(statement.start, statement.start, done.error());
  }

  Status RunDefined(const std::string& name, const Value& argument) {
    const auto found = tree_.defined.find(name);
    if (found == tree_.defined.end()) return Fail(Code::kBadData, "template \"{}\" not defined", name);
    if (++template_depth_ > limits_.max_template_depth) return Fail(Code::kLimit, "exceeded maximum template depth");
    std::vector<std::pair<std::string, Value>> outer;
    outer.emplace_back("$", argument);
    outer.swap(variables_);
    const auto flow = Block(found->second, argument);
    variables_ = std::move(outer);
    --template_depth_;
    if (!flow) return flow.error();
    return Ok();
  }

  Result<Value> Evaluate(const Pipeline& pipeline, const Value& dot) {
    Value value;
    const Value* piped = nullptr;
    for (const auto& command : pipeline.commands) {
      VEDETTE_TRY(Value next, Command(command, dot, piped));
      value = std::move(next);
      piped = &value;
    }
    for (const std::string& name : pipeline.variables) {
      VEDETTE_CHECK(Charge(value, pipeline.start));
      if (pipeline.assigns) {
        const auto place =
            std::find_if(variables_.rbegin(), variables_.rend(), [&](const auto& v) { return v.first == name; });
        if (place == variables_.rend()) {
          return At(pipeline.start, pipeline.start, Fail(Code::kBadData, "undefined variable: {}", name));
        }
        place->second = value;
      } else {
        variables_.emplace_back(name, value);
      }
    }
    return value;
  }

  /// One stage of a pipeline; `piped` is the value of the one before and becomes the last argument.
  Result<Value> Command(const std::vector<Operand>& command, const Value& dot, const Value* piped) {
    const Operand& first = command.front();
    VEDETTE_CHECK(Step(first.start));
    if (first.kind == OperandKind::kFunction) return Call(command, dot, piped);
    const bool has_args = command.size() > 1 || piped != nullptr;
    if (!has_args) {
      if (first.kind == OperandKind::kLiteral && first.literal.IsNil()) {
        return At(first, Fail(Code::kBadData, "nil is not a command"));
      }
      return EvaluateOperand(first, dot, {});
    }
    if (first.fields.empty()) {
      return At(first, Fail(Code::kBadData, "can't give argument to non-function {}", Source(first)));
    }
    VEDETTE_TRY(const std::vector<Value> args, Arguments(command, dot, piped));
    return EvaluateOperand(first, dot, args);
  }

  std::string_view Source(const Operand& operand) const {
    return std::string_view(tree_.text).substr(operand.start, operand.end - operand.start);
  }

  Result<std::vector<Value>> Arguments(const std::vector<Operand>& command, const Value& dot, const Value* piped) {
    std::vector<Value> args;
    for (std::size_t i = 1; i < command.size(); ++i) {
      VEDETTE_TRY(Value arg, EvaluateOperand(command[i], dot, {}));
      args.push_back(std::move(arg));
    }
    if (piped != nullptr) args.push_back(*piped);
    return args;
  }

  Result<Value> Call(const std::vector<Operand>& command, const Value& dot, const Value* piped) {
    const Operand& name = command.front();
    if (name.function->call == nullptr && name.name != "tmpl") return AndOr(command, dot, piped);
    VEDETTE_TRY(const std::vector<Value> args, Arguments(command, dot, piped));
    VEDETTE_CHECK(CheckArity(name, args.size()));
    Result<Value> result = name.function->call ? name.function->call(environment_, args) : CallTemplate(args);
    if (!result) {
      return At(name.start, command.back().end, Annotate(fmt::format("error calling {}", name.name), result.error()));
    }
    VEDETTE_CHECK(Charge(*result, name.start));
    return Members(name, *std::move(result), {});
  }

  Status CheckArity(const Operand& name, std::size_t given) const {
    const FunctionSpec& function = *name.function;
    const auto least = static_cast<std::size_t>(function.min_args);
    const bool fits = given >= least && (function.max_args < 0 || given <= static_cast<std::size_t>(function.max_args));
    if (fits) return Ok();
    return At(name, Fail(Code::kBadData, "wrong number of args for {}: want {}{} got {}", name.name,
                         function.max_args == function.min_args ? "" : "at least ", least, given));
  }

  /// `and` gives the first argument that is false, `or` the first that is true, else the last; the rest is not
  /// evaluated.
  Result<Value> AndOr(const std::vector<Operand>& command, const Value& dot, const Value* piped) {
    VEDETTE_CHECK(CheckArity(command.front(), command.size() - 1 + (piped ? 1 : 0)));
    const bool stop_at = command.front().name == "or";
    Value value;
    for (std::size_t i = 1; i < command.size(); ++i) {
      VEDETTE_TRY(value, EvaluateOperand(command[i], dot, {}));
      if (value.Truth() == stop_at) return value;
    }
    return piped ? *piped : value;
  }

  /// The function tmpl: a defined template as text.
  Result<Value> CallTemplate(const std::vector<Value>& args) {
    const std::string* name = args[0].IfText();
    if (name == nullptr) return Fail(Code::kBadData, "expected {}; got {}", kTypeOfText, args[0].TypeName());
    std::string outer = std::exchange(out_, {});
    const Status done = RunDefined(*name, args[1]);
    std::string text = std::exchange(out_, std::move(outer));
    if (!done) return done.error();
    return Value(std::move(text));
  }

  Result<Value> EvaluateOperand(const Operand& operand, const Value& dot, std::span<const Value> args) {
    VEDETTE_CHECK(Step(operand.start));
    switch (operand.kind) {
      case OperandKind::kDot:
        return dot;
      case OperandKind::kLiteral:
        return operand.literal;
      case OperandKind::kField:
        return Members(operand, dot, args);
      case OperandKind::kFunction:
        return Call({operand}, dot, nullptr);
      case OperandKind::kPipeline: {
        const std::size_t scope = variables_.size();
        VEDETTE_TRY(const Value value, Evaluate(*operand.pipeline, dot));
        variables_.resize(scope);
        return Members(operand, value, args);
      }
      case OperandKind::kVariable: {
        const auto place = std::find_if(variables_.rbegin(), variables_.rend(),
                                        [&](const auto& v) { return v.first == operand.name; });
        if (place == variables_.rend()) {
          return At(operand, Fail(Code::kBadData, "undefined variable: {}", operand.name));
        }
        return Members(operand, place->second, args);
      }
    }
    return Value();
  }

  /// Follows `.A.B`; the last one gets the arguments.
  Result<Value> Members(const Operand& operand, Value value, std::span<const Value> args) {
    for (std::size_t i = 0; i < operand.fields.size(); ++i) {
      const bool last = i + 1 == operand.fields.size();
      auto member = Member(value, operand.fields[i], last ? args : std::span<const Value>());
      if (!member) return At(operand, member.error());
      value = *std::move(member);
    }
    return value;
  }

  const Tree& tree_;
  Environment& environment_;
  const TemplateLimits limits_;
  std::string out_;
  std::vector<std::pair<std::string, Value>> variables_;
  std::size_t steps_ = 0, text_bytes_ = 0;
  int template_depth_ = 0;
};

}  // namespace

Result<std::shared_ptr<const Template>> Template::Parse(std::string_view text, std::string_view name,
                                                        std::span<const std::string_view> variables) {
  VEDETTE_TRY(std::shared_ptr<const Tree> tree, ParseTree(text, name, variables));
  return std::shared_ptr<const Template>(new Template(std::move(tree)));
}

Result<std::string> Template::Execute(Environment& environment, const Value& dot, std::span<const Variable> variables,
                                      const TemplateLimits& limits) const {
  return Execution(*tree_, environment, limits).Run(dot, variables);
}

}  // namespace vedette::alerting::tmpl

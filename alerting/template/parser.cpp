#include "alerting/template/parser.h"

#include <algorithm>
#include <utility>

#include "alerting/template/functions.h"
#include "alerting/template/lexer.h"
#include "alerting/template/literals.h"

namespace vedette::alerting::tmpl {
namespace {

constexpr std::string_view kKeywords[] = {"block", "break", "continue", "define",   "else",
                                          "end",   "if",    "range",    "template", "with"};

bool IsKeyword(std::string_view word) {
  return std::find(std::begin(kKeywords), std::end(kKeywords), word) != std::end(kKeywords);
}

class Parser {
 public:
  Parser(Tree& tree, std::vector<Token> tokens, std::span<const std::string_view> variables)
      : tree_(tree), tokens_(std::move(tokens)) {
    variables_.emplace_back("$");
    for (const std::string_view name : variables) variables_.emplace_back(name);
  }

  Status Run() {
    VEDETTE_TRY(const Ending ending, Block(tree_.main, "", true));
    if (ending != Ending::kText) return Refuse("unexpected {{{{{}}}}}", ending == Ending::kEnd ? "end" : "else");
    return Ok();
  }

 private:
  /// What ended a block.
  enum class Ending { kText, kEnd, kElse };

  const Token& Peek() const { return tokens_[at_]; }
  const Token& Next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool Take(TokenKind kind) {
    if (Peek().kind != kind) return false;
    Next();
    return true;
  }

  template <class... Args>
  Error Refuse(fmt::format_string<Args...> format, Args&&... args) const {
    return Fail(Code::kBadData, "{}: {}", LineOf(tree_.text, Peek().start),
                fmt::format(format, std::forward<Args>(args)...));
  }

  Error Unexpected(std::string_view context) const {
    switch (Peek().kind) {
      case TokenKind::kEnd:
        return Refuse("unexpected EOF");
      case TokenKind::kClose:
        return Refuse("unexpected \"}}}}\" in {}", context);
      default:
        return Refuse("unexpected <{}> in {}", Peek().text, context);
    }
  }

  Status Close(std::string_view context) {
    if (!Take(TokenKind::kClose)) return Unexpected(context);
    return Ok();
  }

  /// Statements up to {{end}}, {{else}} (left for the caller to look at: its keyword is eaten) or the end of the text.
  /// Variables declared in the block end with it.
  Result<Ending> Block(std::vector<Statement>& out, std::string_view context, bool top = false) {
    if (++depth_ > kMaxTemplateNesting) return Refuse("nested deeper than {} levels", kMaxTemplateNesting);
    const std::size_t scope = variables_.size();
    for (;;) {
      const Token token = Next();
      if (token.kind == TokenKind::kEnd) {
        if (!top) return Refuse("unexpected EOF in {}", context);
        --depth_;
        return Ending::kText;
      }
      if (token.kind == TokenKind::kText) {
        Statement& text = out.emplace_back();
        text.text = token.text;
        continue;
      }
      const std::string_view word = Peek().kind == TokenKind::kIdentifier ? Peek().text : std::string_view();
      if (word == "end" || word == "else") {
        Next();
        if (word == "end") VEDETTE_CHECK(Close("end"));
        variables_.resize(scope);
        --depth_;
        return word == "end" ? Ending::kEnd : Ending::kElse;
      }
      VEDETTE_CHECK(Action(out, word, top));
    }
  }

  Status Action(std::vector<Statement>& out, std::string_view word, bool top) {
    const std::uint32_t start = Peek().start;
    if (word == "define") {
      if (!top) return Refuse("unexpected {{{{define}}}}");
      Next();
      return Define();
    }
    Statement statement;
    statement.start = start;
    if (word == "if" || word == "with" || word == "range") {
      Next();
      statement.kind = word == "if"     ? StatementKind::kIf
                       : word == "with" ? StatementKind::kWith
                                        : StatementKind::kRange;
      VEDETTE_CHECK(Control(statement, std::string(word)));
    } else if (word == "template" || word == "block") {
      Next();
      VEDETTE_CHECK(Invocation(statement, word == "block"));
    } else if (word == "break" || word == "continue") {
      Next();
      if (range_depth_ == 0) return Refuse("{{{{{}}}}} outside {{{{range}}}}", word);
      statement.kind = word == "break" ? StatementKind::kBreak : StatementKind::kContinue;
      VEDETTE_CHECK(Close(word));
    } else {
      statement.kind = StatementKind::kAction;
      VEDETTE_TRY(statement.pipeline, ParsePipeline("command", TokenKind::kClose, 1));
    }
    out.push_back(std::move(statement));
    return Ok();
  }

  /// After if, with or range: the pipeline, the body, and what comes with else.
  Status Control(Statement& statement, const std::string& word) {
    const std::size_t scope = variables_.size();
    const bool range = statement.kind == StatementKind::kRange;
    VEDETTE_TRY(statement.pipeline, ParsePipeline(word, TokenKind::kClose, range ? 2 : 1));
    if (range) ++range_depth_;
    VEDETTE_TRY(const Ending ending, Block(statement.body, word));
    if (range) --range_depth_;
    if (ending == Ending::kElse) VEDETTE_CHECK(Else(statement, word));
    variables_.resize(scope);
    return Ok();
  }

  Status Else(Statement& statement, const std::string& word) {
    const bool chained = Peek().kind == TokenKind::kIdentifier && Peek().text == word && word != "range";
    if (!chained) {
      VEDETTE_CHECK(Close("else"));
      VEDETTE_TRY(const Ending ending, Block(statement.otherwise, word));
      if (ending != Ending::kEnd) return Refuse("expected end; found {{{{else}}}}");
      return Ok();
    }
    // {{else if x}}: one {{end}} closes both.
    if (++depth_ > kMaxTemplateNesting) return Refuse("nested deeper than {} levels", kMaxTemplateNesting);
    Statement inner;
    inner.kind = statement.kind;
    inner.start = Peek().start;
    Next();
    VEDETTE_CHECK(Control(inner, word));
    statement.otherwise.push_back(std::move(inner));
    --depth_;
    return Ok();
  }

  Result<std::string> TemplateName(std::string_view context) {
    if (Peek().kind != TokenKind::kString) return Unexpected(fmt::format("{} clause", context));
    const std::optional<std::string> name = Unquote(Next().text);
    if (!name) return Refuse("bad string in {} clause", context);
    return *name;
  }

  Status Define() {
    VEDETTE_TRY(const std::string name, TemplateName("define"));
    VEDETTE_CHECK(Close("define clause"));
    return Defined(name);
  }

  /// The body of a template: it sees only `$`.
  Status Defined(const std::string& name) {
    std::vector<std::string> outer = std::exchange(variables_, {"$"});
    const int outer_range = std::exchange(range_depth_, 0);
    std::vector<Statement> body;
    VEDETTE_TRY(const Ending ending, Block(body, "define clause"));
    if (ending != Ending::kEnd) return Refuse("unexpected {{{{else}}}} in define clause");
    variables_ = std::move(outer);
    range_depth_ = outer_range;
    tree_.defined[name] = std::move(body);
    return Ok();
  }

  Status Invocation(Statement& statement, bool block) {
    statement.kind = StatementKind::kTemplate;
    VEDETTE_TRY(statement.text, TemplateName(block ? "block" : "template"));
    if (block || Peek().kind != TokenKind::kClose) {
      VEDETTE_TRY(statement.pipeline, ParsePipeline("template clause", TokenKind::kClose, 1));
    } else {
      Next();
    }
    return block ? Defined(statement.text) : Ok();
  }

  /// Up to `end`, which is eaten. `most_variables`: how many may be declared at its start.
  Result<std::shared_ptr<const Pipeline>> ParsePipeline(std::string_view context, TokenKind end,
                                                        std::size_t most_variables) {
    if (++depth_ > kMaxTemplateNesting) return Refuse("nested deeper than {} levels", kMaxTemplateNesting);
    auto pipeline = std::make_shared<Pipeline>();
    pipeline->start = Peek().start;
    if (most_variables > 0) VEDETTE_CHECK(Declarations(*pipeline, context, most_variables));
    for (;;) {
      VEDETTE_TRY(std::vector<Operand> command, Command(context, end));
      if (command.empty() && !pipeline->commands.empty() && Peek().kind == end) break;  // Go lets `{{ x | }}` pass
      if (command.empty()) {
        if (Peek().kind == TokenKind::kEnd) return Unexpected(context);
        return Refuse("missing value for {}", context);
      }
      if (!pipeline->commands.empty()) VEDETTE_CHECK(CheckReceiver(command.front()));
      pipeline->commands.push_back(std::move(command));
      if (!Take(TokenKind::kPipe)) break;
    }
    Next();  // `end`: Command stopped there
    --depth_;
    for (const std::string& name : pipeline->variables) variables_.push_back(name);
    return std::shared_ptr<const Pipeline>(std::move(pipeline));
  }

  /// `$x :=`, `$x =`, `$i, $e :=` at the start of a pipeline.
  Status Declarations(Pipeline& pipeline, std::string_view context, std::size_t most) {
    std::size_t look = at_;
    std::vector<std::string> names;
    while (tokens_[look].kind == TokenKind::kVariable) {
      names.emplace_back(tokens_[look++].text);
      if (tokens_[look].kind != TokenKind::kComma) break;
      ++look;
    }
    const TokenKind kind = tokens_[look].kind;
    if (names.empty() || (kind != TokenKind::kDeclare && kind != TokenKind::kAssign)) {
      if (names.size() > 1) return Refuse("too many declarations in {}", context);
      return Ok();
    }
    if (names.size() > most) return Refuse("too many declarations in {}", context);
    pipeline.assigns = kind == TokenKind::kAssign;
    at_ = look + 1;
    pipeline.variables = std::move(names);
    return Ok();
  }

  Status CheckVariable(std::string_view name) const {
    if (std::find(variables_.rbegin(), variables_.rend(), name) != variables_.rend()) return Ok();
    return Refuse("undefined variable \"{}\"", name);
  }

  /// Something is piped into it: it has to be a function (or a field, which the evaluator refuses by its value).
  Status CheckReceiver(const Operand& operand) const {
    if (operand.kind == OperandKind::kLiteral || operand.kind == OperandKind::kDot) {
      return Refuse("non executable command in pipeline stage");
    }
    return Ok();
  }

  /// Operands up to a pipe or `end`, neither eaten.
  Result<std::vector<Operand>> Command(std::string_view context, TokenKind end) {
    std::vector<Operand> operands;
    while (Peek().kind != TokenKind::kPipe && Peek().kind != end) {
      if (!operands.empty() && !Peek().space_before) return Unexpected("operand");
      VEDETTE_TRY(Operand operand, ParseOperand(context));
      operands.push_back(std::move(operand));
    }
    return operands;
  }

  Result<Operand> ParseOperand(std::string_view context) {
    const Token token = Peek();
    Operand operand;
    operand.start = token.start;
    switch (token.kind) {
      case TokenKind::kDot:
        Next();
        break;
      case TokenKind::kField:
        operand.kind = OperandKind::kField;
        break;  // the chain below takes it
      case TokenKind::kVariable:
        VEDETTE_CHECK(CheckVariable(token.text));
        operand.kind = OperandKind::kVariable;
        operand.name = token.text;
        Next();
        break;
      case TokenKind::kLeftParen: {
        Next();
        operand.kind = OperandKind::kPipeline;
        VEDETTE_TRY(operand.pipeline, ParsePipeline("parenthesized pipeline", TokenKind::kRightParen, 0));
        break;
      }
      case TokenKind::kIdentifier:
        VEDETTE_CHECK(Name(operand, token));
        break;
      case TokenKind::kString:
      case TokenKind::kCharacter:
      case TokenKind::kNumber:
        VEDETTE_CHECK(Literal(operand, token));
        break;
      default:
        return Unexpected(context);
    }
    while (Peek().kind == TokenKind::kField && (!Peek().space_before || Peek().start == operand.start)) {
      if (operand.kind == OperandKind::kLiteral || operand.kind == OperandKind::kDot) {
        return Refuse("unexpected . after term \"{}\"", token.text);
      }
      operand.fields.emplace_back(Next().text.substr(1));
    }
    operand.end = Peek().start;
    while (operand.end > operand.start && tree_.text[operand.end - 1] == ' ') --operand.end;
    return operand;
  }

  Status Name(Operand& operand, const Token& token) {
    if (token.text == "true" || token.text == "false" || token.text == "nil") {
      operand.kind = OperandKind::kLiteral;
      if (token.text != "nil") operand.literal = Value(token.text == "true");
      Next();
      return Ok();
    }
    if (IsKeyword(token.text)) return Unexpected("command");
    operand.kind = OperandKind::kFunction;
    operand.function = FindTemplateFunction(token.text);
    operand.name = token.text;
    if (operand.function == nullptr) return Refuse("function \"{}\" not defined", token.text);
    Next();
    return Ok();
  }

  Status Literal(Operand& operand, const Token& token) {
    operand.kind = OperandKind::kLiteral;
    if (token.kind == TokenKind::kString) {
      std::optional<std::string> text = Unquote(token.text);
      if (!text) return Refuse("invalid syntax: {}", token.text);
      operand.literal = Value(*std::move(text));
    } else if (token.kind == TokenKind::kCharacter) {
      const std::optional<std::int64_t> rune = UnquoteCharacter(token.text);
      if (!rune) return Refuse("malformed character constant: {}", token.text);
      operand.literal = Value(*rune);
    } else {
      std::optional<Value> number = ParseNumber(token.text);
      if (!number) return Refuse("bad number syntax: \"{}\"", token.text);
      operand.literal = *std::move(number);
    }
    Next();
    return Ok();
  }

  Tree& tree_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int range_depth_ = 0;
  std::vector<std::string> variables_;
};

}  // namespace

Result<std::shared_ptr<const Tree>> ParseTree(std::string_view text, std::string_view name,
                                              std::span<const std::string_view> variables) {
  auto tree = std::make_shared<Tree>();
  tree->name = name;
  tree->text = text;
  const auto place = [&](Error error) { return Fail(error.code, "template: {}:{}", name, error.message); };
  auto tokens = Tokenize(tree->text);
  if (!tokens) return place(std::move(tokens).error());
  const Status parsed = Parser(*tree, *std::move(tokens), variables).Run();
  if (!parsed) return place(parsed.error());
  return std::shared_ptr<const Tree>(std::move(tree));
}

}  // namespace vedette::alerting::tmpl

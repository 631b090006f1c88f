// What a reload leaves behind when it fails half-way.
#include "app/reload_parts.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace vedette::app {
namespace {

using Log = std::vector<std::string>;

/// Notes what it gets, and fails when it gets what it does not like.
ReloadPart Part(std::string_view name, Log& log, std::string dislikes = {}) {
  return {name, [&log, name, dislikes = std::move(dislikes)](const config::Config& to) -> Status {
            log.push_back(std::string(name) + "=" + to.file);
            return to.file == dislikes ? Status(Fail(Code::kBadData, "{}: no", name)) : Ok();
          }};
}

}  // namespace

TEST_CASE("a reload that fails gives all parts the old configuration, backwards", "[reload]") {
  config::Config old, next;
  old.file = "old";
  next.file = "next";
  Log log;
  SECTION("success") {
    const ReloadPart parts[] = {Part("a", log), Part("b", log)};
    CHECK(ApplyOrGoBack(parts, old, next).has_value());
    CHECK(log == Log{"a=next", "b=next"});
  }
  SECTION("also the one that failed, which may have begun, and behind one that does not go back") {
    const ReloadPart parts[] = {Part("a", log), Part("b", log, "old"), Part("c", log, "next"), Part("d", log)};
    const Status applied = ApplyOrGoBack(parts, old, next);
    REQUIRE_FALSE(applied.has_value());
    CHECK(applied.error().message == "c: no");
    CHECK(log == Log{"a=next", "b=next", "c=next", "c=old", "b=old", "a=old"});
  }
}

}  // namespace vedette::app
